#!/usr/bin/env bash
# A program of Debian's that nobody here wrote; see tests/real/zstd.sh.
exec bash "$SRC/tests/real/zstd.sh"
