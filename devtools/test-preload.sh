#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-preload.sh [OPTION...]
#
# Preload librte_fastmem_malloc.so into programs of the installed DPDK, which
# know nothing of fastmem, and see whether they still work: its unit tests of
# rte_malloc() and of what uses it, a primary with a secondary process, and one
# that forks. Then compare the times of DPDK's malloc_perf_autotest with and
# without, by turns.
#
# For sizes up to 4096 bytes, rte_malloc() and rte_free() together have to take
# a tenth of the time or less, unless told otherwise. The best of all rounds
# counts, of each of the four figures by itself: busy machines add to any of
# them. The table has rte_zmalloc() too, but there the time is that of filling
# memory with zeros, which the heap does when memory is freed and fastmem when
# it is allocated.
#
#   --rounds N   measure N times, 3 unless told otherwise; up to 10 times as
#                long as a size misses
#   --factor N   how many times faster it has to be (default 10)
#   --build DIR  test what is built in DIR rather than build
#   --small      measure no sizes above 64 KiB
#   --short      measure twice, if that is enough, and only what has to be faster
#   --keep FILE  append what the programs print to FILE
#   --help       show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

JUDGED_SIZES="64 128 1024 4096"
MAX_ROUNDS=10

# Tests of DPDK that use rte_malloc() or memzones, each of some seconds at most,
# and none that busy machines make fail.
OTHERS=(
	hash_autotest
	lpm_autotest
	mbuf_autotest
	mempool_autotest
	memzone_autotest
	ring_autotest
	stack_autotest
)

TEST_SECONDS=120
PERF_SECONDS=300

# MiB in hugepages: malloc_perf_autotest starts with an object of 1 GiB
SMALL_MIB=256
PERF_MIB=1280
RESERVE_MIB=64

factor=10
rounds=3
# The function with which malloc_perf_autotest ends; none: go through all of it.
last=
build=
keep=/dev/null

while [ $# -gt 0 ]; do
	case $1 in
	--rounds | --factor | --build | --keep)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--rounds)
			[[ $2 =~ ^[1-9][0-9]*$ ]] || die "--rounds: '$2' is not a number"
			rounds=$2
			;;
		--factor)
			[[ $2 =~ ^[1-9][0-9]*$ ]] || die "--factor: '$2' is not a number"
			factor=$2
			;;
		--build) build=$(cd "$2" && pwd) || exit 1 ;;
		--keep) keep=$2 ;;
		esac
		shift
		;;
	--small) last=rte_zmalloc ;;
	--short)
		last=rte_malloc
		rounds=2
		;;
	-h | --help)
		usage
		exit 0
		;;
	*) die "unexpected argument '$1', see --help" ;;
	esac
	shift
done

tmp=$(mktemp -d)
running=
# shellcheck disable=SC2317 # called by the trap
finish() {
	[ -z "$running" ] || kill "$running" 2>/dev/null || true
	rm -rf "$tmp"
	eal_remove_files
}
trap finish EXIT

if [ -z "$build" ]; then
	need_build_tools
	build=$BUILD
	build_tree "$build" || die "the build failed"
fi
preload=$build/lib/fastmem_malloc/librte_fastmem_malloc.so
[ -f "$preload" ] || die "there is no $preload"

program=$(command -v dpdk-test || true)
if [ -z "$program" ]; then
	if ! is_root || ! have apt-get; then
		step_skip "there is no dpdk-test, which Debian has in the package dpdk-dev"
		step_summary
		exit
	fi
	apt_install "DPDK's own unit tests are to be run" dpdk-dev
	program=$(command -v dpdk-test) || die "there is no dpdk-test"
fi
readelf -d "$program" | grep -q 'NEEDED.*librte_eal' ||
	die "$program is not linked dynamically"

# Set EAL's arguments for a number of MiB.
memory_args() {
	local mib=$1

	if hugepages_usable "$mib"; then
		memory=(-m "$mib" "--socket-limit=$mib")
	else
		memory=(--no-huge -m "$mib")
	fi
}

# Run a program without waiting for it; its process is $running then.
# in_background FILE COMMAND...
in_background() {
	local file=$1
	shift

	# not to clear up when it is killed
	(
		trap - EXIT
		exec "$@" </dev/null >"$file" 2>&1
	) &
	running=$!
}

# Run a test of the stock program, and keep what it prints in $tmp/out:
# stock_test SECONDS PRELOAD NAME ARGS...
stock_test() {
	local seconds=$1 objects=$2 name=$3 result=0
	local base
	shift 3

	eal_base_args base
	timeout -k 5 "$seconds" env LD_PRELOAD="$objects" FASTMEM_MALLOC_STATS=1 \
		DPDK_TEST="$name" "$program" "${base[@]}" "$@" </dev/null >"$tmp/out" 2>&1 || result=$?
	cat "$tmp/out" >>"$keep"
	# the program says so only there
	[ "$result" -ne 0 ] || grep -q '^Test OK$' "$tmp/out" || result=1
	grep -q '^Test Skipped$' "$tmp/out" && return 77
	return "$result"
}

# How many allocations fastmem served in the last test.
n_served() {
	sed -n 's/^.*FASTMEM_MALLOC: \([0-9]*\) allocations and .* served by fastmem$/\1/p' \
		"$tmp/out" | tail -n 1
}

# How many the heap served, and why.
n_heap() {
	sed -n 's/^.*FASTMEM_MALLOC: \([1-9][0-9]*\) allocations served by the heap: \(.*\)$/\1 \2/p' \
		"$tmp/out" | paste -s -d , | sed 's/,/, /g'
}

show_out() {
	tail -n 30 "$tmp/out" | sed 's/^/    /'
}

# All of the test of rte_malloc(). Each lcore but the first one makes 30,000
# allocations in test_align_overlap_per_lcore() alone.
check_malloc() {
	local served result=0

	stock_test $TEST_SECONDS "$preload" malloc_autotest "${memory[@]}" "$(lcores_arg 2)" ||
		result=$?
	served=$(n_served)
	if [ "$result" -ne 0 ]; then
		step_fail "malloc_autotest of $program: exit status $result"
		show_out
	elif [ "${served:-0}" -lt 30000 ]; then
		step_fail "malloc_autotest: fastmem served ${served:-no} allocations only"
		show_out
	else
		step_ok "malloc_autotest of $program: $(grep -c ' passed$' "$tmp/out") parts;" \
			"allocations: $served by fastmem; $(n_heap)"
	fi
}

# What passes without has to pass with it. On one lcore if that will do: where
# those of DPDK's tests wait for each other, they spin, for minutes if the CPUs
# are busy.
check_other() {
	local name=$1 result=0 n_lcores=1

	[ "$name" != mempool_autotest ] || n_lcores=2
	stock_test $TEST_SECONDS "$preload" "$name" "${memory[@]}" "$(lcores_arg $n_lcores)" || result=$?
	if [ "$result" -eq 0 ]; then
		step_ok "$name: allocations: $(n_served) by fastmem; $(n_heap)"
		return
	fi
	cp "$tmp/out" "$tmp/with"
	if [ "$result" -eq 77 ] || ! stock_test $TEST_SECONDS "" "$name" "${memory[@]}" \
			"$(lcores_arg $n_lcores)"; then
		step_skip "$name: DPDK's own does not pass here without it either"
		return
	fi
	step_fail "$name: exit status $result, and passes without"
	tail -n 30 "$tmp/with" | sed 's/^/    /'
}

# A program of our own, for what those do not do: fork() and the like.
check_app() {
	local objects label base result served
	local -a flags

	eal_base_args base
	read -r -a flags <<<"$(pkg-config --cflags --libs libdpdk)"
	cc -O2 -Wall "$ROOT/devtools/preload-app.c" -o "$tmp/app" "${flags[@]}" -pthread ||
		die "preload-app.c does not compile"
	for objects in "" "$preload"; do
		label="program that forks${objects:+, preloaded}"
		result=0
		timeout -k 5 $TEST_SECONDS env LD_PRELOAD="$objects" FASTMEM_MALLOC_STATS=1 \
			"$tmp/app" "${base[@]}" "${memory[@]}" "$(lcores_arg 1)" \
			</dev/null >"$tmp/out" 2>&1 || result=$?
		cat "$tmp/out" >>"$keep"
		served=$(n_served)
		if [ "$result" -ne 0 ]; then
			step_fail "$label: exit status $result"
			show_out
		elif [ -n "$objects" ] && [ "${served:-0}" -lt 4 ]; then
			step_fail "$label: fastmem served ${served:-no} allocations only"
			show_out
		else
			step_ok "$label"
		fi
	done
}

# A primary and a secondary process, both of them DPDK's own.
check_processes() {
	local testpmd info base result=0 i

	testpmd=$(command -v dpdk-testpmd || true)
	info=$(command -v dpdk-proc-info || true)
	if [ -z "$testpmd" ] || [ -z "$info" ]; then
		step_skip "secondary process: there is no dpdk-testpmd or dpdk-proc-info"
		return
	fi
	if ! hugepages_usable $SMALL_MIB; then
		step_skip "secondary process: $(hugepages_hint $SMALL_MIB)"
		return
	fi
	eal_base_args base
	: >"$tmp/primary"
	in_background "$tmp/primary" timeout -k 5 $TEST_SECONDS env LD_PRELOAD="$preload" \
		FASTMEM_MALLOC_STATS=1 "$testpmd" "${base[@]}" -m $SMALL_MIB "$(lcores_arg 2)" \
		--vdev=net_null0 --vdev=net_null1 -- --total-num-mbufs=4096 --stats-period=1 \
		--auto-start --no-mlockall
	for ((i = 0; i < 300; i++)); do
		grep -q 'Port statistics' "$tmp/primary" && break
		sleep 0.1
	done
	timeout -k 5 60 env LD_PRELOAD="$preload" FASTMEM_MALLOC_STATS=1 "$info" "${base[@]}" \
		--proc-type=secondary -- --stats </dev/null >"$tmp/out" 2>&1 || result=$?
	kill -INT "$running" 2>/dev/null || true
	wait "$running" || result=$((result + $?))
	running=
	cat "$tmp/primary" "$tmp/out" >>"$keep"
	if [ "$result" -ne 0 ] || ! grep -q 'NIC statistics for port 1' "$tmp/out"; then
		step_fail "secondary process: exit status $result"
		show_out
		tail -n 30 "$tmp/primary" | sed 's/^/    /'
	elif grep -qE 'Invalid memory|is not an object|cannot be initialized' \
			"$tmp/out" "$tmp/primary"; then
		step_fail "secondary process: complaints about memory"
		grep -hE 'Invalid memory|is not an object|cannot be initialized' \
			"$tmp/out" "$tmp/primary" | head | sed 's/^/    /'
	else
		step_ok "secondary process: dpdk-testpmd and dpdk-proc-info"
	fi
}

# Measure, and append "ALLOCATOR FUNCTION SIZE ALLOC FREE" to $tmp/times.
# measure ALLOCATOR PRELOAD
measure() {
	local allocator=$1 objects=$tmp/log-digits.so${2:+:$2} base result=0

	eal_base_args base
	: >"$tmp/out"
	in_background "$tmp/out" timeout -k 5 $PERF_SECONDS env LD_PRELOAD="$objects" \
		FASTMEM_MALLOC_STATS=1 FASTMEM_MALLOC_RESERVE=$RESERVE_MIB \
		DPDK_TEST=malloc_perf_autotest "$program" "${base[@]}" "${memory[@]}" \
		"$(lcores_arg 1)"
	# the large sizes take most of the time
	while kill -0 "$running" 2>/dev/null; do
		if [ -n "$last" ] && sed "1,/Performance: $last/d" "$tmp/out" |
				grep -qw 65536; then
			kill "$running" 2>/dev/null || true
			break
		fi
		sleep 0.2
	done
	wait "$running" 2>/dev/null || result=$?
	running=
	eal_remove_files
	cat "$tmp/out" >>"$keep"
	if [ -z "$last" ] && { [ "$result" -ne 0 ] || ! grep -q '^Test OK$' "$tmp/out"; }; then
		show_out
		return 1
	fi
	sed 's/^.*USER1: //' "$tmp/out" | awk -v allocator="$allocator" '
		/^Performance: / { of = $2 }
		/^ *[0-9]+ +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ / && of ~ /malloc/ {
			print allocator, of, $1, $3 * 1000, $4 * 1000
		}' >>"$tmp/times"
}

# Print the table; the result tells if all sizes that count are fast enough.
judge() {
	awk -v factor="$factor" -v judged="$JUDGED_SIZES" '
		BEGIN {
			split(judged, list, " ")
			for (i in list)
				counts[list[i]] = 1
		}
		{
			key = $2 " " $3
			if (!(key in seen)) {
				seen[key] = 1
				order[++n] = key
			}
			cell = $1 " " key
			if (!(cell in alloc) || $4 < alloc[cell])
				alloc[cell] = $4
			if (!(cell in free) || $5 < free[cell])
				free[cell] = $5
		}
		END {
			print "                              heap, ns           fastmem, ns"
			print "function         bytes    alloc      free     alloc      free   times faster"
			for (i = 1; i <= n; i++) {
				a = "heap " order[i]
				b = "fastmem " order[i]
				if (!(a in alloc) || !(b in alloc))
					continue
				split(order[i], part, " ")
				ratio = (alloc[a] + free[a]) / (alloc[b] + free[b])
				mark = ""
				if (part[1] == "rte_malloc" && part[2] in counts) {
					n_judged++
					mark = ratio >= factor ? "  ok" : "  MISSED"
					missed += ratio < factor
				}
				printf "%-12s %9d %9.1f %9.1f %9.1f %9.1f %9.1f%s\n", part[1],
					part[2], alloc[a], free[a], alloc[b], free[b], ratio, mark
			}
			exit missed || n_judged < 4
		}' "$tmp/times"
}

check_times() {
	local round=0
	local -a flags

	read -r -a flags <<<"$(pkg-config --cflags libdpdk)"
	cc -O2 -Wall -shared -fPIC "${flags[@]}" "$ROOT/devtools/log-digits.c" \
		-o "$tmp/log-digits.so" || die "log-digits.c does not compile"
	: >"$tmp/times"
	while [ $round -lt "$rounds" ] ||
			{ [ $round -lt $MAX_ROUNDS ] && ! judge >/dev/null; }; do
		round=$((round + 1))
		if ! measure heap "" || ! measure fastmem "$preload"; then
			step_fail "malloc_perf_autotest does not pass"
			return
		fi
	done
	if judge >"$tmp/table"; then
		cat "$tmp/table"
		step_ok "malloc_perf_autotest: at least $factor times faster, best of $round rounds"
	else
		cat "$tmp/table"
		step_fail "malloc_perf_autotest: less than $factor times faster, best of $round rounds"
	fi
}

memory_args $SMALL_MIB
check_malloc
for name in "${OTHERS[@]}"; do
	check_other "$name"
done
check_app
check_processes
memory_args $PERF_MIB
check_times
step_summary
