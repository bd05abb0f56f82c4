#!/usr/bin/env bash
# Compiles a program of Debian's, from Debian's source, twice: plain, and with -finstrument-functions and
# nothing else of Reel's.
#
# Usage: build.sh lua|zstd DIRECTORY [OBJECT...]
#
# Leaves DIRECTORY/NAME-plain and DIRECTORY/NAME-instrumented, which has the OBJECTs linked in; sources are
# kept in DIRECTORY/source. Does nothing when both are there. Exit status 77: the source cannot be had.
set -euo pipefail
name=$1 directory=$2
shift 2

case $name in
lua)
	archive=lua5.4_5.4.4.orig.tar.gz
	package=lua5.4
	sum=164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61
	;;
zstd)
	archive=libzstd_1.5.4+dfsg2.orig.tar.xz
	package=libzstd
	sum=8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953
	;;
*)
	echo "build.sh: no program $name" >&2
	exit 2
	;;
esac

mkdir -p "$directory/source"
directory=$(cd "$directory" && pwd)
exec 9>"$directory/$name.lock"
flock 9
[ ! -e "$directory/$name-plain" ] || [ ! -e "$directory/$name-instrumented" ] || exit 0

# Asks the package manager for the source, with lists of its own: the machine's sources are left as they are.
download() {
	local apt=$directory/apt options

	mkdir -p "$apt/sources.list.d" "$apt/lists/partial"
	cat /etc/apt/sources.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$apt/sources.list"
	for list in /etc/apt/sources.list.d/debian*.sources; do
		[ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/sources.list.d/${list##*/}"
	done
	options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=$apt/sources.list.d"
		-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache::srcpkgcache=" -o "Dir::Cache::pkgcache="
		-o APT::Sandbox::User=root -o Acquire::Retries=2)
	(
		cd "$directory/source"
		apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only "$package"
	) >"$directory/$name-download.log" 2>&1
}

fetch() {
	local file=$directory/source/$archive

	[ -e "$file" ] || download || true
	[ -e "$file" ] || { echo "the source package $package cannot be had here"; exit 77; }
	echo "$sum  $file" | sha256sum -c --quiet || { rm -f "$file"; echo "$file: another file"; exit 77; }
	tar -xf "$file" -C "$directory/source"
}

compile() { # KIND FLAG...
	local kind=$1

	shift
	case $name in
	lua)
		cd "$directory"/source/lua-*/src
		gcc -O2 -g "$@" -DLUA_USE_LINUX $(ls ./*.c | grep -v luac.c) -lm -ldl -o "$directory/$name-$kind"
		;;
	zstd)
		cd "$directory"/source/zstd-*
		gcc -O1 -g -w "$@" -DZSTD_MULTITHREAD -DZSTD_DISABLE_ASM -DZSTD_LEGACY_SUPPORT=0 \
			-Ilib -Ilib/common lib/common/*.c lib/compress/*.c lib/decompress/*.c \
			lib/dictBuilder/*.c programs/*.c -pthread -ldl -o "$directory/$name-$kind"
		;;
	esac
}

fetch
compile plain
compile instrumented -finstrument-functions "$@"
