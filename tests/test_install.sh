#!/usr/bin/env bash
# Installs to a scratch prefix, moves it, and builds the examples outside the tree against what was
# installed, by pkg-config and by the CMake package, shared and static; then runs all of them.
. "$SRC/tests/cli_lib.sh"

if grep -q -E '^CMAKE_C_FLAGS:.*(-fsanitize|--coverage)' "$BUILD/CMakeCache.txt"; then
	echo "skipped: this build's libraries need a sanitizer's or coverage's run-time library"
	exit 77
fi
command -v cmake >/dev/null && command -v pkg-config >/dev/null || { echo "skipped: no cmake or pkg-config"; exit 77; }

cmake --install "$BUILD" --prefix "$work/first" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix
lib=$prefix/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$BUILD/CMakeCache.txt")
[ -d "$lib" ] || fail "no library directory $lib"
cd "$work" || exit 1

for file in "$prefix/bin/reel" "$prefix/include/reel/reel.h" "$lib/libreel.so" "$lib/libreel.a" \
	"$lib/reel/libreel-native.so" "$lib/pkgconfig/reel.pc" "$lib/cmake/reel/reel-config.cmake"; do
	[ -e "$file" ] || fail "not installed: $file"
done

# The library exports the public functions and nothing else.
nm -D --defined-only "$lib/libreel.so" | awk '{print $3}' | sort >exported
grep -v '^reel_' exported && fail "exported, but not public"
cat "$SRC"/include/reel/*.h | tr '\n' ' ' | grep -oE 'REEL_API[^;(]*[ *]reel_[a-z0-9_]+\(' |
	grep -oE 'reel_[a-z0-9_]+\($' | tr -d '(' | grep -v '^reel_plugin$' | sort -u >declared
missing=$(comm -23 declared exported)
[ -z "$missing" ] || fail "declared, but not exported: $missing"

run_embedder() { # PROGRAM
	rm -f ./*.reel
	expect 0 "$1" run.reel
	expect 0 "$prefix/bin/reel" verify run.reel
	expect 0 "$prefix/bin/reel" info run.reel --json
	grep -q '"events":[1-9]' out || fail "$1 recorded nothing"
}

run_plugin() { # SHARED OBJECT
	expect 0 "$prefix/bin/reel" replay run.reel --listener "$1"
	[ -s out ] || fail "the plug-in $1 printed nothing"
}

# pkg-config
export PKG_CONFIG_PATH=$lib/pkgconfig
flags=$(pkg-config --cflags reel) || fail "pkg-config --cflags"
expect 0 "$CC" $flags "$SRC"/examples/embed/*.c -o embed-shared $(pkg-config --libs reel) -Wl,-rpath,"$lib"
run_embedder ./embed-shared
expect 0 "$CC" $flags "$SRC"/examples/embed/*.c -o embed-static "$lib/libreel.a" \
	$(pkg-config --libs --static reel | sed 's/-lreel\b//')
run_embedder ./embed-static
for plugin in "$SRC"/examples/plugin/*.c; do
	name=$(basename "$plugin" .c)
	expect 0 "$CC" $flags -shared -fPIC "$plugin" -o "pkg-$name.so"
	run_plugin "./pkg-$name.so"
done

# The CMake package
mkdir outside
cat >outside/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C)
find_package(reel 0.1 REQUIRED)
file(GLOB embed $SRC/examples/embed/*.c)
add_executable(embed-shared \${embed})
target_link_libraries(embed-shared PRIVATE reel::reel)
add_executable(embed-static \${embed})
target_link_libraries(embed-static PRIVATE reel::reel_static)
file(GLOB plugins $SRC/examples/plugin/*.c)
foreach(plugin \${plugins})
	get_filename_component(name \${plugin} NAME_WE)
	add_library(cmake-\${name} MODULE \${plugin})
	target_link_libraries(cmake-\${name} PRIVATE reel::reel)
	set_target_properties(cmake-\${name} PROPERTIES PREFIX "")
endforeach()
END
expect 0 cmake -S outside -B outside/build "-DCMAKE_PREFIX_PATH=$prefix" "-DCMAKE_C_COMPILER=$CC"
expect 0 cmake --build outside/build
run_embedder outside/build/embed-shared
run_embedder outside/build/embed-static
for plugin in "$SRC"/examples/plugin/*.c; do
	run_plugin "outside/build/cmake-$(basename "$plugin" .c).so"
done

# The installed program finds the library that it preloads.
cat >program.c <<'END'
int main(void)
{
	return 3;
}
END
expect 0 "$CC" -finstrument-functions program.c -o program
expect 3 env -i "$prefix/bin/reel" record -o native.reel -- ./program
expect 0 "$prefix/bin/reel" info native.reel --json
grep -q '"events":2,' out || fail "the installed program did not record main"
finish
