#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/bench.sh [--hugepages N] [--eal 'ARGS'] [BENCHMARK OPTION...]
#
# Build fastmem beside the installed DPDK and compare it with the other
# allocators. Packages that the build lacks are installed (as root).
#
#   --hugepages N  set N hugepages of 2 MiB first (as root); they stay set
#   --eal 'ARGS'   more arguments for EAL, separated by spaces
#   --help         show this text and the options of the benchmark
#
# All other options are those of dpdk-test-fastmem, for instance
#   devtools/bench.sh --sizes 64,256 --json result.json

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# What the largest scenarios take, with a margin for rte_malloc's own needs.
HUGE_MIB=1024
NO_HUGE_MIB=2048

bench=$BUILD/app/dpdk-test-fastmem
help=false
eal_extra=()
args=()

while [ $# -gt 0 ]; do
	case $1 in
	--hugepages)
		[ $# -ge 2 ] || die "--hugepages needs a number"
		set_hugepages "$2"
		shift
		;;
	--eal)
		[ $# -ge 2 ] || die "--eal needs the arguments"
		read -r -a eal_extra <<<"$2"
		shift
		;;
	-h | --help)
		help=true
		;;
	*)
		args+=("$1")
		;;
	esac
	shift
done

if $help; then
	usage
	if [ -x "$bench" ]; then
		"$bench" --no-huge -m 64 --no-pci --no-shconf --log-level=1 -- --help |
			sed -n '/--sizes/,$p'
	fi
	exit 0
fi

need_build_tools
build_tree "$BUILD" || die "the build failed"

eal_base_args eal
if hugepages_usable "$HUGE_MIB"; then
	note "running on hugepages"
else
	note "running without hugepages, which slows every allocator down"
	note "$(hugepages_hint "$HUGE_MIB")"
	eal+=(--no-huge -m "$NO_HUGE_MIB")
fi

trap eal_remove_files EXIT
"$bench" "${eal[@]}" --log-level=notice "${eal_extra[@]}" -- "${args[@]}"
