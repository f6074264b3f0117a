#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/bench-mempool.sh [OPTION...] [BENCHMARK OPTION...]
#
# Build fastmem beside the installed DPDK and compare its mempool driver with
# ring_mp_mc, stack and lf_stack, with mempool's cache and without, on one lcore
# and on two. The exit status is 2 if it is slower than the fastest of them
# anywhere, by the best rounds and more than the tolerance; or slower than
# ring_mp_mc where one lcore gets what another one puts, by more than a tenth.
# Packages that the build lacks are installed (as root).
#
#   --hugepages N  set N hugepages of 2 MiB first (as root); they stay set
#   --eal 'ARGS'   more arguments for EAL, separated by spaces
#   --help         show this text
#
# Options of the benchmark:
#   --keep N[,N...]      objects that an lcore has at once
#                        (default: 32,128,512,2048,8192,32768)
#   --bulk N[,N...]      objects got and put at once (default: 1,4,8,32)
#   --rounds N           rounds of measurements (default: 16)
#   --duration MS        milliseconds of a measurement (default: 1)
#   --tolerance PERCENT  how much slower is as fast still (default: 3)

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

DRIVERS=fastmem,ring_mp_mc,stack,lf_stack

HUGE_MIB=128
NO_HUGE_MIB=512

hugepages=
eal_extra=()
args=()

while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		usage
		exit 0
		;;
	--hugepages | --eal | --keep | --bulk | --rounds | --duration | --tolerance)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--hugepages) hugepages=$2 ;;
		--eal) read -r -a eal_extra <<<"$2" ;;
		*) args+=("$1" "$2") ;;
		esac
		shift
		;;
	*) die "unknown option '$1', see --help" ;;
	esac
	shift
done

[ -z "$hugepages" ] || set_hugepages "$hugepages"
need_build_tools
build_tree "$BUILD" || die "the build failed"

trap 'eal_remove_files' EXIT
n_lcores=$(cpus | head -n 2 | wc -l)
eal_base_args eal
eal+=("$(lcores_arg "$n_lcores")")
if [ "$n_lcores" -lt 2 ]; then
	note "there is one CPU: no measurement with two lcores"
fi
if hugepages_usable "$HUGE_MIB"; then
	note "running on hugepages"
else
	note "running without hugepages: $(hugepages_hint "$HUGE_MIB")"
	eal+=(--no-huge -m "$NO_HUGE_MIB")
fi

# bench BENCHMARK_OPTION...
bench() {
	"$BUILD/app/dpdk-test-fastmem" "${eal[@]}" --log-level=notice \
		${eal_extra[@]:+"${eal_extra[@]}"} -- "$@"
}

result=0
bench --mempool-ops "$DRIVERS" ${args[@]:+"${args[@]}"} || result=$?
if [ "$n_lcores" -eq 2 ] && [ "$result" -ne 1 ]; then
	echo
	bench --targets "$ROOT/app/test-fastmem/targets-mempool.ini" --sizes 64,2048 || result=$?
fi
exit "$result"
