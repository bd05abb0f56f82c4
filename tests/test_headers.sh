#!/usr/bin/env bash
# Each public header compiles alone, twice in one file, as C and as C++, under strict flags, with every
# compiler that is here, and includes nothing but the C library and other public headers.
set -u
failed=0
compilers=0
flags=(-fsyntax-only -Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror -I "$SRC/include")

compile() { # COMPILER LANGUAGE STANDARD HEADER
	printf '#include <%s>\n#include <%s>\n' "$4" "$4" |
		"$1" "${flags[@]}" -x "$2" -std="$3" - || { echo "FAILED: $1 -std=$3 $4"; failed=1; }
}

for pair in gcc:g++ clang:clang++; do
	cc=${pair%:*} cxx=${pair#*:}
	command -v "$cc" >/dev/null && command -v "$cxx" >/dev/null || { echo "no $cc"; continue; }
	compilers=$((compilers + 1))
	for header in "$SRC"/include/reel/*.h; do
		name=reel/$(basename "$header")
		compile "$cc" c c11 "$name"
		compile "$cc" c c17 "$name"
		compile "$cxx" c++ c++11 "$name"
		compile "$cxx" c++ c++20 "$name"
	done
done
[ "$compilers" -gt 0 ] || { echo "skipped: neither gcc with g++ nor clang with clang++"; exit 77; }

for header in "$SRC"/include/reel/*.h; do
	name=$(basename "$header")
	if [ "$name" != reel.h ] && ! grep -q "#include <reel/$name>" "$SRC/include/reel/reel.h"; then
		echo "FAILED: reel/reel.h does not include reel/$name"
		failed=1
	fi
	if grep '#include "' "$header"; then
		echo "FAILED: $name includes something that is not installed"
		failed=1
	fi
done
exit "$failed"
