#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/check-symbols.sh [BUILD_FOLDER]
#
# Check the symbols of the built library:
# - the shared library exports what the RTE_EXPORT_* macros name, and no more;
# - what is exported as experimental is flagged so, and the other way round;
# - the static library has no other global names than rte_fastmem_* and
#   fastmem_*, since those of all libraries meet in one program;
# - nothing refers to the DPDK heap or to the heap of libc.

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
esac
build=${1:-$BUILD}
shared=$build/lib/librte_fastmem.so
static=$build/lib/librte_fastmem.a
if [ ! -f "$shared" ] || [ ! -f "$static" ]; then
	die "no library in $build/lib"
fi

failed=0

complain() {
	echo "$1:" >&2
	printf '    %s\n' "${@:2}" >&2
	failed=1
}

# check_none MESSAGE, with the offending names on the standard input. The last
# part of a pipeline has to run in this shell for the failure to be counted.
shopt -s lastpipe
check_none() {
	local names

	mapfile -t names
	[ ${#names[@]} -eq 0 ] || complain "$1" "${names[@]}"
}

macros() {
	sed -n "s/^RTE_EXPORT_$1SYMBOL(\([a-z0-9_]*\).*/\1/p" "$ROOT"/lib/*/*.c | sort -u
}

exports() {
	nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# global functions of a section of the static library
in_section() {
	objdump -t "$static" | awk -v section="$1" '$2 == "g" && $4 == section { print $NF }' |
		sort -u
}

comm -13 <(exports) <(macros '[A-Z_]*') | check_none "not exported despite a macro"
comm -23 <(exports) <(macros '[A-Z_]*') | check_none "exported without a macro"
# variables are not flagged
comm -13 <(in_section .text.experimental) <(macros EXPERIMENTAL_) |
	{ grep -v '^per_lcore_' || true; } |
	check_none "exported as experimental, but not flagged __rte_experimental"
comm -23 <(in_section .text.experimental) <(macros EXPERIMENTAL_) |
	check_none "flagged __rte_experimental, but not exported as experimental"

nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' |
	{ grep -Ev '^(__|per_lcore_|per_lcore__)?(rte_)?fastmem_' || true; } |
	check_none "global names that other libraries may have too"

heap='rte_(malloc|calloc|zmalloc|realloc|free)(_socket)?'
heap+='|rte_malloc_[a-z0-9_]*|rte_lcore_var_[a-z]*'
heap+='|malloc|calloc|realloc|reallocarray|free|cfree|memalign|posix_memalign'
heap+='|aligned_alloc|valloc|pvalloc|strdup|strndup|asprintf|vasprintf|open_memstream'
{ nm -u "$static"; nm -D -u "$shared"; } | awk 'NF == 2 { sub(/@.*/, "", $2); print $2 }' |
	sort -u | { grep -Ex "$heap" || true; } | check_none "symbols of a heap"

[ "$failed" -eq 0 ] || exit 1
echo "$(exports | wc -l) exported symbols, no heap"
