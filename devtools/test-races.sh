#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-races.sh [OPTION...]
#
# Build fastmem with race points, which delay threads between the steps of what
# they do to each other, and run the tests with many threads again and again,
# each time with another seed: first with ThreadSanitizer, which reports
# accesses to memory that nothing orders, then at full speed.
#
#   --runs N       the number of runs of both kinds (default 10)
#   --tsan N       the number of runs with ThreadSanitizer, if it is another
#   --plain N      the number of runs without, if it is another
#   --seed N       the seed of the first run; the others count on from there
#   --seconds N    the time of each suite, about (default 1)
#   --lcores N     the number of lcores, on two CPUs (default 4)
#   --no-huge      all runs without hugepages, rather than every other one
#   --suite NAME   this suite only; may be repeated
#   --help         show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# Seconds until a run is called a failure: a thread may wait for ever.
RUN_SECONDS=300

# MiB in free hugepages that a run has to find
HUGE_MIB=256

# From so many runs on, each race point has to have been come to, but for those
# of secondary processes, of which there are none here; see test-deaths.sh.
RUNS_FOR_ALL_POINTS=20
ELSEWHERE='^(CACHE_CHAINED|KEEPER_|PEER_|REQUEST_)'

n_tsan=10
n_plain=10
seed=$((EPOCHSECONDS % 1000000 * 1000))
seconds=1
n_lcores=4
no_huge=false
suites=()

# EAL's arguments for a seed, in the array named by the first argument. Threads
# can only be registered where no secondary process may come.
run_args() {
	local -n run_args_out=$1
	local run_seed=$2

	eal_base_args run_args_out
	run_args_out+=("$(lcores_arg "$n_lcores")")
	if ! $no_huge && [ $((run_seed % 2)) -eq 1 ] && hugepages_usable "$HUGE_MIB"; then
		run_args_out+=(--in-memory)
	else
		run_args_out+=(--no-huge -m 512 --no-shconf)
	fi
}

# Add up how often race points were come to, as printed by one or more dumps,
# each of which has the sum up to there.
count_points() {
	awk '
		/^ race points, / { in_list = 1; next }
		in_list && NF == 3 && $3 ~ /^1\/[0-9]+$/ { n[$1] = $2; next }
		{ in_list = 0 }
		END { for (name in n) print name, n[name] }
	' "$tmp/out" >"$tmp/points.new"
	cat "$tmp/points" "$tmp/points.new" |
		awk '{ n[$1] += $2 } END { for (name in n) print name, n[name] }' >"$tmp/points.sum"
	mv "$tmp/points.sum" "$tmp/points"
}

# One run: run_suites LABEL PROGRAM RUN
run_suites() {
	local label=$1 program=$2 run=$3
	local run_seed=$((seed + run - 1)) result=0 start took reports
	local -a args

	run_args args "$run_seed"
	start=$EPOCHREALTIME
	env FASTMEM_RACE_SEED=$run_seed FASTMEM_TEST_SEED=$run_seed \
		FASTMEM_TEST_SECONDS="$seconds" DPDK_TEST="${suites[*]}" \
		TSAN_OPTIONS="suppressions=$ROOT/devtools/tsan.supp exitcode=66" \
		timeout -k 5 $RUN_SECONDS "${fixed_addresses[@]}" "$program" "${args[@]}" \
		</dev/null >"$tmp/out" 2>&1 || result=$?
	took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	count_points
	reports=$(grep -c '^WARNING: ThreadSanitizer' "$tmp/out" || true)
	if [ "$result" -eq 0 ] && [ "$reports" -eq 0 ]; then
		step_ok "$label run $run, seed $run_seed ($took s)"
		return
	fi
	step_fail "$label run $run, seed $run_seed: exit status $result, $reports reports ($took s)"
	echo "    again: devtools/test-races.sh --runs 0 --$label 1 --seed $run_seed"
	echo "    output: $build/failed.$run_seed"
	cp "$tmp/out" "$build/failed.$run_seed"
	grep -E 'assert|line [0-9]+|^ \+ TestCase .* failed$|ERROR|FASTMEM: [^b]|SUMMARY' \
		"$tmp/out" | sort | uniq -c | sort -rn | head -n 20 | sed 's/^/    /' || true
	tail -n 3 "$tmp/out" | sed 's/^/    /'
}

# Build, and run so often: series LABEL N MESON_OPTION...
series() {
	local label=$1 n=$2 run
	shift 2

	[ "$n" -gt 0 ] || return 0
	build=$ROOT/build-races-$label
	build_tree "$build" "$@" || die "the build failed"
	rm -f "$build"/failed.*
	for ((run = 1; run <= n; run++)); do
		run_suites "$label" "$build/app/dpdk-test" "$run"
	done
}

# Whether all race points did their work.
check_points() {
	local missed n

	grep -Ev "$ELSEWHERE" "$tmp/points" >"$tmp/points.here" || true
	n=$(wc -l <"$tmp/points.here")
	missed=$(awk '$2 == 0 { print $1 }' "$tmp/points.here" | sort | paste -s -d ' ')
	if [ "$n" -eq 0 ]; then
		step_skip "race points: no suite prints them"
	elif [ -z "$missed" ]; then
		step_ok "race points: each of $n was come to"
	elif [ $((n_tsan + n_plain)) -ge $RUNS_FOR_ALL_POINTS ]; then
		step_fail "race points: never come to, of $n: $missed"
	else
		step_skip "race points: too few runs for $missed"
	fi
}

while [ $# -gt 0 ]; do
	case $1 in
	--runs | --tsan | --plain | --seed | --seconds | --lcores)
		[[ ${2:-} =~ ^[0-9]+$ ]] || die "$1 needs a number"
		case $1 in
		--runs)
			n_tsan=$2
			n_plain=$2
			;;
		--tsan) n_tsan=$2 ;;
		--plain) n_plain=$2 ;;
		--seed) seed=$2 ;;
		--seconds) seconds=$2 ;;
		--lcores)
			[ "$2" -gt 0 ] || die "--lcores needs one at least"
			n_lcores=$2
			;;
		esac
		shift
		;;
	--suite)
		list_tests FAST | grep -q "^${2:-} " || die "there is no suite '${2:-}'"
		suites+=("$2")
		shift
		;;
	--no-huge) no_huge=true ;;
	-h | --help)
		usage
		exit 0
		;;
	*) die "unknown option '$1', see --help" ;;
	esac
	shift
done
[ ${#suites[@]} -gt 0 ] ||
	suites=(fastmem_race_autotest fastmem_threads_autotest fastmem_unregistered_autotest
		fastmem_stress_autotest)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT
: >"$tmp/points"

# where ThreadSanitizer has its shadow must not be in use
fixed_addresses=()
! setarch "$(uname -m)" -R true 2>/dev/null || fixed_addresses=(setarch "$(uname -m)" -R)

need_build_tools
races=-DRTE_FASTMEM_DEBUG_RACES
# so that EAL's spinlocks are atomics of the compiler rather than assembler
atomics="-DRTE_FORCE_INTRINSICS -DRTE_USE_C11_MEM_MODEL"
series tsan "$n_tsan" -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized \
	-Dc_args="$races $atomics"
series plain "$n_plain" -Dbuildtype=debugoptimized -Dc_args="$races"
check_points

step_summary
