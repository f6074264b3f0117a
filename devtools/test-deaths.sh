#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-deaths.sh [OPTION...]
#
# Build fastmem, and kill secondary processes at random moments, many of them in
# a row, while they and the primary process allocate and free. After each death
# the allocator is audited, and its figures are compared with what is known to
# be allocated. Then do the same with memory that EAL takes and gives back at
# run time, and build with race points, at which processes kill themselves.
# Hugepages are needed.
#
#   --kills N      the number of kills in a row (default 500)
#   --dynamic N    those where EAL's memory is dynamic (default: a fifth)
#   --points N     those with race points, and at them (default: a fifth)
#   --seed N       the seed of the first run; the others count on from there
#   --lcores N     the primary process's lcores, on two CPUs (default 4)
#   --help         show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# Seconds for a run, and for each kill in it, until the run is called a failure.
RUN_SECONDS=120
KILL_SECONDS=3

# MiB in hugepages that a run has to find
HUGE_MIB=256

# From so many kills on, each race point seen has to have been one of death.
KILLS_FOR_ALL_POINTS=100

SUITE=fastmem_death_autotest

n_kills=500
n_dynamic=
n_points=
seed=$((EPOCHSECONDS % 1000000 * 1000))
n_lcores=4

# What the points of a run say, each as "NAME KILLED MISSED".
read_points() {
	sed -n 's/^  \([A-Z_]*\)  *killed \([0-9]*\) missed \([0-9]*\) seen .*/\1 \2 \3/p' "$tmp/out"
}

# Whether processes have died at all points they come to.
check_points() {
	local label=$1 kills=$2 n missed

	n=$(read_points | wc -l)
	missed=$(read_points | awk '$2 == 0 { print $1 }' | sort | paste -s -d ' ')
	if [ "$n" -eq 0 ]; then
		step_fail "$label: no race points"
	elif [ -z "$missed" ]; then
		step_ok "$label: processes killed themselves at each of $n race points they came to"
	elif [ "$kills" -ge $KILLS_FOR_ALL_POINTS ]; then
		step_fail "$label: no process died at $missed, of $n race points"
	else
		step_skip "$label: too few kills for the race points $missed"
	fi
}

# What each case says of itself.
show_report() {
	grep -E '^[0-9]+ processes |^they held |^backing was ' "$tmp/out" | sed 's/^/    /' || true
}

# run LABEL PROGRAM KILLS EAL_ARGS...
run() {
	local label=$1 program=$2 kills=$3 result=0 start took in_a_row
	local -a args
	shift 3

	eal_base_args args
	start=$EPOCHREALTIME
	env FASTMEM_RACE_SEED="$seed" FASTMEM_TEST_SEED="$seed" FASTMEM_TEST_KILLS="$kills" \
		DPDK_TEST=$SUITE timeout -k 5 $((RUN_SECONDS + kills * KILL_SECONDS)) \
		"$program" "${args[@]}" "$(lcores_arg "$n_lcores")" "$@" \
		</dev/null >"$tmp/out" 2>&1 || result=$?
	took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	in_a_row=$(sed -n 's/^\([0-9]*\) processes were killed.*/\1/p' "$tmp/out" | sort -n | tail -n 1)
	if [ "$result" -eq 0 ] && [ "${in_a_row:-0}" -ge "$kills" ]; then
		step_ok "$label: $in_a_row processes killed in a row, seed $seed ($took s)"
		show_report
	else
		step_fail "$label: exit status $result, seed $seed ($took s)"
		echo "    output: $build/failed.$seed"
		cp "$tmp/out" "$build/failed.$seed"
		grep -E 'assert|no progress|^thread |^FASTMEM_RACE_KILL|^ \+ TestCase .* failed$|FASTMEM: |ERROR' \
			"$tmp/out" | grep -v 'ended without detaching' | head -n 60 | sed 's/^/    /' || true
	fi
	seed=$((seed + 1))
}

while [ $# -gt 0 ]; do
	case $1 in
	--kills | --dynamic | --points | --seed | --lcores)
		[[ ${2:-} =~ ^[0-9]+$ ]] || die "$1 needs a number"
		case $1 in
		--kills) n_kills=$2 ;;
		--dynamic) n_dynamic=$2 ;;
		--points) n_points=$2 ;;
		--seed) seed=$2 ;;
		--lcores)
			[ "$2" -gt 0 ] || die "--lcores needs one at least"
			n_lcores=$2
			;;
		esac
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*) die "unknown option '$1', see --help" ;;
	esac
	shift
done
: "${n_dynamic:=$((n_kills / 5))}" "${n_points:=$((n_kills / 5))}"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT

need_build_tools
if ! hugepages_usable "$HUGE_MIB"; then
	step_skip "deaths: $(hugepages_hint "$HUGE_MIB")"
	step_summary
	exit
fi

if [ "$n_kills" -gt 0 ] || [ "$n_dynamic" -gt 0 ]; then
	build=$BUILD
	build_tree "$build" || die "the build failed"
	rm -f "$build"/failed.*
	[ "$n_kills" -eq 0 ] || run kills "$build/app/dpdk-test" "$n_kills" -m "$HUGE_MIB"
	[ "$n_dynamic" -eq 0 ] || run "dynamic memory" "$build/app/dpdk-test" "$n_dynamic"
fi
if [ "$n_points" -gt 0 ]; then
	# as devtools/test-races.sh has it
	build=$ROOT/build-races-plain
	build_tree "$build" -Dbuildtype=debugoptimized -Dc_args=-DRTE_FASTMEM_DEBUG_RACES ||
		die "the build failed"
	rm -f "$build"/failed.*
	run "race points" "$build/app/dpdk-test" "$n_points" -m "$HUGE_MIB"
	check_points "race points" "$n_points"
fi

step_summary
