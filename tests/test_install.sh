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

# The CMake package: as the examples' own files say, and the static library beside it.
for example in embed plugin vm; do
	expect 0 cmake -S "$SRC/examples/$example" -B "cmake-$example" "-DCMAKE_PREFIX_PATH=$prefix" \
		"-DCMAKE_C_COMPILER=$CC"
	expect 0 cmake --build "cmake-$example"
done
run_embedder cmake-embed/embed
run_embedder cmake-vm/vm
for plugin in cmake-plugin/*.so; do
	run_plugin "./$plugin"
done
mkdir static
cat >static/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(static LANGUAGES C)
find_package(reel 0.1 REQUIRED)
add_executable(embed $SRC/examples/embed/embed.c)
target_link_libraries(embed PRIVATE reel::reel_static)
END
expect 0 cmake -S static -B static/build "-DCMAKE_PREFIX_PATH=$prefix" "-DCMAKE_C_COMPILER=$CC"
expect 0 cmake --build static/build
run_embedder static/build/embed

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
