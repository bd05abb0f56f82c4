# What the scripts that record real programs share: Debian's source packages, kept under $BUILD/real, and
# compiling them. Sources that cannot be had are no failure: 77, and what is missing.
. "$SRC/tests/record_lib.sh"
real=$BUILD/real
mkdir -p "$real"

skip() {
	echo "skipped: $*"
	exit 77
}

# Downloads with apt, from a source list and into directories of its own; the system's stay as they are.
# REEL_DEB_SRC: another line for the list.
download() { # PACKAGE
	local apt=$real/apt options release

	command -v apt-get >/dev/null || skip "no apt-get to get the source of $1 with"
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	echo "${REEL_DEB_SRC:-deb-src http://deb.debian.org/debian ${release:-bookworm} main}" \
		>"$apt/sources.list"
	options="-q -o Dir::Etc::sourcelist=$apt/sources.list -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache
		-o APT::Sandbox::User= -o Acquire::Retries=1 -o Acquire::http::Timeout=20"
	# shellcheck disable=SC2086
	(cd "$real" && apt-get $options update && apt-get $options source --download-only "$1") \
		>"$real/$1.log" 2>&1 ||
		skip "the source of $1 cannot be reached ($(tail -n 1 "$real/$1.log"))"
}

# Sets `source` to the unpacked upstream source of a package.
get_source() { # PACKAGE
	local archive

	source=$real/$1
	[ -e "$source/.complete" ] && return
	archive=$(find "$real" -maxdepth 1 -name "$1_*.orig.tar.*" ! -name '*.asc' | head -n 1)
	if [ -z "$archive" ]; then
		download "$1"
		archive=$(find "$real" -maxdepth 1 -name "$1_*.orig.tar.*" ! -name '*.asc' | head -n 1)
	fi
	rm -rf "$source"
	mkdir -p "$source"
	tar -xf "$archive" -C "$source" --strip-components=1 ||
		skip "cannot unpack $archive"
	touch "$source/.complete"
}

# compile_all PROGRAM OBJECTS_FLAGS LINK_FLAGS SOURCE...: keeps objects and program for the next run.
compile_all() {
	local program=$1 flags=$2 link=$3 objects=$1.objects

	shift 3
	[ -e "$program" ] && return
	rm -rf "$objects"
	mkdir -p "$objects"
	# shellcheck disable=SC2016,SC2086
	flags=${flags//$'\n'/ }
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh -c \
		"gcc $flags"' -w -c -o "$1/$(basename "$2").o" "$2"' - "$objects" {} ||
		{ fail "cannot compile $program"; finish; }
	# shellcheck disable=SC2086
	gcc -o "$program.new" "$objects"/*.o $link || { fail "cannot link $program"; finish; }
	mv "$program.new" "$program"
	rm -rf "$objects"
}
