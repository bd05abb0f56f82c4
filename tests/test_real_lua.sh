#!/usr/bin/env bash
# A program of Debian's that nobody here wrote; see tests/real/lua.sh.
exec bash "$SRC/tests/real/lua.sh"
