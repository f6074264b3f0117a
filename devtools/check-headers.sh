#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/check-headers.sh
#
# Compile each public header alone, in the form in which it gets installed, as
# C and as C++, with and without ALLOW_EXPERIMENTAL_API, by every compiler there
# is. Prints what failed, if anything.

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
'') ;;
*) die "unexpected argument '$1'" ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for header in "$ROOT"/lib/*/rte_*.h "$ROOT"/drivers/*/*/rte_*.h; do
	[ -f "$header" ] || continue
	"$ROOT/compat/include-compat.py" "$header" "$tmp/$(basename "$header")"
done
cp "$ROOT/compat/include/rte_fastmem_compat.h" "$tmp"

# DPDK's headers are no business of this check
read -r -a dpdk_flags <<<"$(pkg-config --cflags libdpdk | sed 's/-I/-isystem /g')"

count=0
compilers=0
failed=0
for compiler in "gcc -x c" "clang -x c" "g++ -x c++" "clang++ -x c++"; do
	have "${compiler%% *}" || continue
	compilers=$((compilers + 1))
	for header in "$tmp"/rte_*.h; do
		name=$(basename "$header")
		# a header that relies on nothing can be the first, and the second
		printf '#include <%s>\n#include <%s>\n' "$name" "$name" >"$tmp/alone.c"
		for define in -UALLOW_EXPERIMENTAL_API -DALLOW_EXPERIMENTAL_API; do
			count=$((count + 1))
			# shellcheck disable=SC2086 # the compiler's name and option
			if ! $compiler "$define" -Wall -Wextra -Werror \
					-I"$tmp" "${dpdk_flags[@]}" \
					-fsyntax-only "$tmp/alone.c"; then
				echo "$name does not compile alone: $compiler $define" >&2
				failed=$((failed + 1))
			fi
		done
	done
done

[ "$compilers" -gt 0 ] || die "no compiler found"
echo "$count compilations by $compilers compilers, $failed failed"
[ "$failed" -eq 0 ]
