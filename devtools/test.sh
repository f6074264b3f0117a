#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test.sh [OPTION...] [TEST...]
#
# Build fastmem beside the installed DPDK and run its tests: the unit tests on
# hugepages, where there are any, and without; then those of the files and of
# the programs. Packages that the build lacks are installed (as root).
# With names of unit tests, run just these. For several NUMA nodes there is
# devtools/numa-vm.sh.
#
#   --hugepages N  set N hugepages of 2 MiB first (as root); they stay set
#   --matrix       run the unit tests in each of the ways that EAL can be set up
#   --one-way      run the unit tests in one way alone: on hugepages, if any
#   --build DIR    test what is built in DIR, which was configured before, and
#                  run the unit tests alone
#   --slow N       allow N times the usual time, for instrumented builds
#   --list         list the unit tests and the ways to run them
#   --help         show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# MiB in free hugepages that a run has to find
HUGE_MIB=256

matrix=false
one_way=false
list=false
only_units=false
slow=1
names=()

# The ways to run the unit tests: for each a name, whether it uses hugepages,
# and EAL's arguments.
ways() {
	if ! $matrix; then
		echo "hugepages huge"
		echo "no-huge nohuge --no-huge -m 512"
		return
	fi
	echo "hugepages,IOVA-VA huge --iova-mode=va"
	echo "hugepages,IOVA-PA huge --iova-mode=pa"
	echo "no-huge,64-MiB nohuge --no-huge -m 64"
	echo "in-memory huge --in-memory"
	echo "single-file-segments huge --single-file-segments"
	echo "legacy-mem huge --legacy-mem -m $HUGE_MIB"
	echo "2-lcores huge $(lcores_arg 2)"
	echo "8-lcores-on-2-CPUs huge $(lcores_arg 8)"
}

# Why a way can't be gone on this machine, if so.
way_obstacle() {
	local way=$1 kind=$2

	if [ "$kind" = huge ] && ! hugepages_usable "$HUGE_MIB"; then
		hugepages_hint "$HUGE_MIB"
	elif [[ $way == *IOVA-PA ]] && ! is_root; then
		echo "only root learns physical addresses"
	elif [[ $way == *lcores* ]] && [ "$(cpus | wc -l)" -lt 2 ]; then
		echo "there is one CPU"
	fi
}

# Whether an option of the build has a word in its value: build_has OPTION WORD
build_has() {
	python3 -c 'import json, sys
options = json.load(open(sys.argv[1]))
sys.exit(not any(o["name"] == sys.argv[2] and sys.argv[3] in o["value"] for o in options))' \
		"$build/meson-info/intro-buildoptions.json" "$1" "$2"
}

# What EAL needs to know of our drivers, if the benchmark does not contain them: in
# plugin_args. The unit tests are linked with them.
find_plugins() {
	plugin_args=()
	if ! build_has default_library static && plugin_dir "$build"; then
		plugin_args=(-d "$plugins/librte_mempool_fastmem.so")
	fi
}

# Run one unit test: run_test LABEL SECONDS NAME EAL_ARGS...
run_test() {
	local label=$1 seconds=$(($2 * slow)) name=$3
	local base start took result=0
	shift 3

	eal_base_args base
	start=$EPOCHREALTIME
	DPDK_TEST=$name timeout -k 5 "$seconds" "$build/app/dpdk-test" "${base[@]}" "$@" \
		</dev/null >"$tmp/out" 2>&1 || result=$?
	took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	step_test "$label $name" "$result" "$took" "$seconds" "$tmp/out"
}

wanted() {
	local name

	[ ${#names[@]} -gt 0 ] || return 0
	for name in "${names[@]}"; do
		[ "$name" != "$1" ] || return 0
	done
	return 1
}

unit_tests() {
	local way kind line name nohuge asan obstacle with_asan=false
	local -a args

	! build_has b_sanitize address || with_asan=true
	while read -r way kind line; do
		read -r -a args <<<"$line"
		obstacle=$(way_obstacle "$way" "$kind")
		if [ -n "$obstacle" ]; then
			step_skip "$way: $obstacle"
			continue
		fi
		while read -r name nohuge asan; do
			wanted "$name" || continue
			if [ "$kind" = nohuge ] && [ "$nohuge" != NOHUGE_OK ]; then
				step_skip "$way $name: this test is for hugepages"
				continue
			fi
			if $with_asan && [ "$asan" != ASAN_OK ]; then
				step_skip "$way $name: this test is not for AddressSanitizer"
				continue
			fi
			run_test "$way" "$FAST_SECONDS" "$name" "${args[@]}"
		done < <(list_tests FAST)
		while read -r name; do
			wanted "$name" || continue
			run_test "$way" "$STRESS_SECONDS" "$name" "${args[@]}"
		done < <(list_tests STRESS)
		! $one_way || break
	done < <(ways)
}

# EAL's arguments for the programs of expect().
memory=(--no-huge -m 512)

# Run a program without hugepages, for a minute at most, and compare its exit
# status. expect STATUS PROGRAM ARGS...
expect() {
	local status=$1 program=$2
	local base result=0
	shift 2

	eal_base_args base
	timeout -k 5 $((60 * slow)) "$build/app/$program" "${base[@]}" "${memory[@]}" \
		--log-level=error "$@" || result=$?
	[ "$result" -eq "$status" ] || {
		echo "$program $*: exit status $result, not $status"
		return 1
	}
}

# The harness: what it makes of names, of what is to be skipped, and its prompt.
test_harness() {
	local name

	name=$(list_tests FAST | awk '{ print $1; exit }')
	expect 1 dpdk-test no_such_test >"$tmp/harness" || return 1
	grep -q "^0 passed, 1 failed, 0 skipped$" "$tmp/harness" || return 1
	DPDK_TEST_SKIP=$name DPDK_TEST=$name expect 77 dpdk-test >"$tmp/harness" || return 1
	grep -q "^0 passed, 0 failed, 1 skipped$" "$tmp/harness" || return 1
	printf 'list\nquit\n' | expect 0 dpdk-test >"$tmp/harness" || return 1
	grep -q "^$name" "$tmp/harness" || return 1
	echo "names, DPDK_TEST_SKIP and prompt"
}

# The benchmark: its options, one short measurement, and the file it writes.
test_benchmark() {
	expect 0 dpdk-test-fastmem -- --help >"$tmp/bench" || return 1
	grep -q -- --sizes "$tmp/bench" || return 1
	expect 1 dpdk-test-fastmem -- --sizes 7x || return 1
	expect 0 dpdk-test-fastmem -- --sizes 64 --rounds 1 --duration 1 \
		--json "$tmp/bench.json" || return 1
	python3 -m json.tool "$tmp/bench.json" "$tmp/bench" || return 1
	# more lcores than CPUs: nobody may wait for a ring or an lcore without yielding
	expect 0 dpdk-test-fastmem "$(lcores_arg 8)" -- --sizes 64 --rounds 1 --duration 1 \
		--scenarios lcores,pipeline32,duplex1,duplex128,firsttouch \
		--allocators fastmem,fastmem-sized,mempool || return 1
	expect 0 dpdk-test-fastmem -- --sizes 64 --rounds 1 --duration 1 \
		--scenarios latency,latency-growth --allocators fastmem,mempool || return 1
	allocators_skipped=
	test_benchmark_allocators || return 1
	test_benchmark_bursts || return 1
	test_benchmark_mempool || return 1
	test_benchmark_targets || return 1
	test_benchmark_callers || return 1
	echo "options, tables, JSON, allocators, targets and callers$allocators_skipped$callers_skipped"
}

# Whether the benchmark's JSON has a figure, or a reason for having none, of each
# allocator: check_allocators FILE MISSING..., with those that have to be missing.
# None takes less than what the measurement itself takes, but for a margin.
check_allocators() {
	python3 - "$@" <<-'END'
		import json, sys

		path, hidden = sys.argv[1], set(sys.argv[2:])
		with open(path) as f:
		    data = json.load(f)
		measured = {r["allocator"]: r for r in data["results"]}
		missing = {s["allocator"] for s in data["skipped"]}
		every = {"fastmem", "fastmem-sized", "fastmem-handle", "mempool",
		         "mempool-stack", "mempool-lf-stack", "mempool-fastmem",
		         "rte_malloc", "libc", "mimalloc", "jemalloc", "tcmalloc", "null"}
		if set(measured) | missing != every or set(measured) & missing:
		    sys.exit(f"measured: {sorted(measured)}, missing: {sorted(missing)}")
		if not hidden <= missing:
		    sys.exit(f"not missing: {sorted(hidden - missing)}")
		null = measured["null"]
		for name, r in measured.items():
		    if null["best"] > 1.25 * r["best"]:
		        sys.exit(f"faster than null: {name}")
		    net = max(0, r["median"] - null["median"])
		    if abs(r["net"] - net) > 0.001 * r["median"]:
		        sys.exit(f"net of {name}: {r['net']}")
	END
}

# All allocators, those of the libraries where they are; then without these, for
# which no library is what it seems to be.
test_benchmark_allocators() {
	local -a quick=(--sizes 64 --rounds 9 --duration 1 --scenarios single
		--json "$tmp/bench.json")
	local -a libraries=(mimalloc jemalloc tcmalloc)
	local name

	expect 0 dpdk-test-fastmem ${plugin_args[@]:+"${plugin_args[@]}"} -- "${quick[@]}" \
		--net >"$tmp/bench" || return 1
	check_allocators "$tmp/bench.json" || return 1
	grep -q '^[1-9][0-9]* figures in [0-9]* s\(;.*\)\?$' "$tmp/bench" || return 1
	for name in "${libraries[@]}"; do
		if ldconfig -p | grep -q "lib$name\(_minimal\)*\.so\.[0-9]"; then
			grep -q "^$name  *~*[0-9]" "$tmp/bench" || return 1
		else
			grep -q "^$name is missing: .* Debian package " "$tmp/bench" || return 1
			allocators_skipped+="; $name is not installed"
		fi
	done

	mkdir -p "$tmp/lib"
	: >"$tmp/lib/libmimalloc.so.3"
	: >"$tmp/lib/libjemalloc.so.2"
	: >"$tmp/lib/libtcmalloc_minimal.so.4"
	LD_LIBRARY_PATH=$tmp/lib expect 0 dpdk-test-fastmem -- "${quick[@]}" \
		--callers "thread,lcore" >"$tmp/bench" || return 1
	check_allocators "$tmp/bench.json" "${libraries[@]}" || return 1
	for name in "${libraries[@]}"; do
		grep -q "^$name is missing: " "$tmp/bench" || return 1
		LD_LIBRARY_PATH=$tmp/lib expect 0 dpdk-test-fastmem -- --list >"$tmp/bench.list"
		grep -A 1 "^  $name " "$tmp/bench.list" | grep -q "^  *missing: " || return 1
	done

	expect 1 dpdk-test-fastmem -- --net --allocators "fastmem,mempool" || return 1
	test_benchmark_restart
}

# A library that is loaded may make the program start itself once more, with what
# it was given; what cannot be loaded then is missing.
test_benchmark_restart() {
	local -a quick=(--sizes "64,8" --rounds 1 --duration 1 --scenarios "single,fifo"
		--allocators "jemalloc,libc")

	ldconfig -p | grep -q libjemalloc || return 0
	GLIBC_TUNABLES=glibc.malloc.arena_max=2 expect 0 dpdk-test-fastmem -- "${quick[@]}" \
		--json - >"$tmp/bench.json" || return 1
	python3 - "$tmp/bench.json" <<-'END' || return 1
		import json, sys
		with open(sys.argv[1]) as f:
		    data = json.load(f)
		cells = {(r["scenario"], r["allocator"], r["sizes"][0]) for r in data["results"]}
		if len(cells) != 8 or data["skipped"]:
		    sys.exit(f"measured: {sorted(cells)}")
	END
	printf '[a]\nscenario = single\nreference = libc\njemalloc = 1/1000000\n' \
		>"$tmp/missed.ini"
	expect 2 dpdk-test-fastmem -- --sizes 64 --rounds 1 --targets "$tmp/missed.ini" \
		>"$tmp/bench" || return 1
	GLIBC_TUNABLES=glibc.rtld.optional_static_tls=0 expect 0 dpdk-test-fastmem -- \
		"${quick[@]}" >"$tmp/bench" || return 1
	grep -q "^libc  *~*[0-9]" "$tmp/bench" || return 1
}

# Scenarios that are made for a number of objects, and names that are none.
test_benchmark_bursts() {
	local name

	expect 0 dpdk-test-fastmem "$(lcores_arg 2)" -- --sizes 64 --rounds 1 --duration 1 \
		--scenarios "bulk5,pipeline7,duplex512,bulk512" \
		--allocators "fastmem,mempool,null" --json "$tmp/bench.json" \
		--callers "lcore,thread" || return 1
	for name in bulk5 pipeline7 duplex512 bulk512; do
		grep -q "\"scenario\": \"$name\"" "$tmp/bench.json" || return 1
	done
	for name in pipeline0 bulk513x bulk513 duplex07 pipeline; do
		expect 1 dpdk-test-fastmem -- --scenarios "$name" || return 1
	done
}

# Whether the benchmark's JSON has figures of all callers, or of all but
# secondary processes: check_callers ALL FILE
check_callers() {
	python3 - "$@" <<-'END'
		import json, sys

		every, path = sys.argv[1] == "true", sys.argv[2]
		with open(path) as f:
		    data = json.load(f)
		scenarios = {"single", "fifo", "lifo", "bulk8", "bulk32", "random"}
		callers = {"lcore", "thread"} | ({"secondary"} if every else set())
		measured = {(r["scenario"], r["allocator"], r["caller"]) for r in data["results"]}
		skipped = {(r["scenario"], r["allocator"], r["caller"]) for r in data["skipped"]}
		wanted = {(s, a, c) for s in scenarios for a in ("fastmem", "mempool")
		          for c in callers} | {("large", a, "lcore") for a in ("fastmem", "mempool")}
		if measured != wanted:
		    sys.exit(f"measured: {sorted(measured ^ wanted)}")
		if {c for s, a, c in skipped} != (set() if every else {"secondary"}):
		    sys.exit(f"skipped: {sorted(skipped)}")
		for r in data["results"]:
		    if not (r["best"] > 0 and r["caller_ratio"] > 0 and r["ratio"] > 0):
		        sys.exit(f"no figure: {r}")
	END
}

# The benchmark's columns for a thread without an lcore id and for a secondary
# process, which is started anew in between.
test_benchmark_callers() {
	local -a quick=(--sizes 64 --rounds 9 --duration 1 --allocators "fastmem,mempool"
		--scenarios "single,fifo,lifo,bulk8,bulk32,random,large"
		--callers "lcore,thread,secondary" --json "$tmp/bench.json")
	local memory=("${memory[@]}")

	callers_skipped=
	expect 1 dpdk-test-fastmem -- --callers none || return 1
	expect 0 dpdk-test-fastmem -- "${quick[@]}" >"$tmp/bench" || return 1
	grep -q "^secondary: there are no secondary processes without hugepages$" \
		"$tmp/bench" || return 1
	check_callers false "$tmp/bench.json" || return 1
	printf '[a]\nscenario = large\ncaller = thread\nfastmem = 1\n' >"$tmp/wrong.ini"
	expect 1 dpdk-test-fastmem -- --targets "$tmp/wrong.ini" || return 1

	if ! hugepages_usable "$HUGE_MIB"; then
		callers_skipped="; secondary processes skipped, $(hugepages_hint "$HUGE_MIB")"
		return
	fi
	memory=()
	expect 0 dpdk-test-fastmem -- "${quick[@]}" >"$tmp/bench" || return 1
	check_callers true "$tmp/bench.json" || return 1
	printf '[a]\nscenario = single\nreference = fastmem\ncaller = %s\nfastmem = 1000000\n' \
		secondary >"$tmp/met.ini"
	expect 0 dpdk-test-fastmem -- --sizes 64 --rounds 1 --targets "$tmp/met.ini" || return 1
	# there is nothing for it to attach to
	memory=(--in-memory)
	expect 2 dpdk-test-fastmem -- --sizes 64 --rounds 1 --targets "$tmp/met.ini" || return 1
}

# The comparison of mempool drivers: its options, and both of its results.
test_benchmark_mempool() {
	local -a quick=(--keep 32 --bulk 4 --rounds 4 --duration 1)

	expect 1 dpdk-test-fastmem -- --mempool-ops fastmem || return 1
	expect 1 dpdk-test-fastmem -- --mempool-ops fastmem,none "${quick[@]}" || return 1
	expect 1 dpdk-test-fastmem -- --mempool-ops fastmem,stack --keep 7x || return 1
	expect 0 dpdk-test-fastmem "$(lcores_arg 2)" ${plugin_args[@]:+"${plugin_args[@]}"} -- \
		--mempool-ops fastmem,lf_stack "${quick[@]}" --tolerance 100 || return 1
	# it is several times as slow without a cache
	expect 2 dpdk-test-fastmem "$(lcores_arg 1)" ${plugin_args[@]:+"${plugin_args[@]}"} -- \
		--mempool-ops lf_stack,fastmem "${quick[@]}" || return 1
}

# What the benchmark makes of targets that are wrong, met and missed. Whether
# those of the tree are met is for machines with nothing else to do.
test_benchmark_targets() {
	local dir=$ROOT/app/test-fastmem
	local -a quick=(--sizes 64 --rounds 1 --duration 1 --scenarios single)

	expect 1 dpdk-test-fastmem -- --targets "$tmp/missing.ini" || return 1
	printf '[a]\nscenario = none\nfastmem = 1\n' >"$tmp/wrong.ini"
	expect 1 dpdk-test-fastmem -- --targets "$tmp/wrong.ini" || return 1
	printf '[a]\nscenario = single\nfastmem = x\n' >"$tmp/wrong.ini"
	expect 1 dpdk-test-fastmem -- --targets "$tmp/wrong.ini" || return 1
	printf '[a]\nscenario = single\nbefore = 20.11\nfastmem = 1\n' >"$tmp/wrong.ini"
	expect 1 dpdk-test-fastmem -- --targets "$tmp/wrong.ini" || return 1
	expect 1 dpdk-test-fastmem -- --targets "$dir/targets.ini" --allocators libc || return 1
	expect 1 dpdk-test-fastmem -- --targets "$dir/targets-oversubscribed.ini" \
		--scenarios latency || return 1
	printf '[a]\nscenario = single\nfastmem = 1000000\n' >"$tmp/met.ini"
	expect 0 dpdk-test-fastmem -- "${quick[@]}" --targets "$tmp/met.ini" || return 1
	printf '[a]\nscenario = single\nfastmem = 1/1000000\n' >"$tmp/missed.ini"
	expect 2 dpdk-test-fastmem -- "${quick[@]}" --targets "$tmp/missed.ini" \
		--json "$tmp/bench.json" || return 1
	python3 -m json.tool "$tmp/bench.json" "$tmp/bench" || return 1
	expect 1 dpdk-test-fastmem -- --targets "$dir/targets.ini" --sizes 0 || return 1
}

# What can be wrong with the way the example is started; each of it is told.
test_example_errors() {
	local program=../examples/dpdk-fastmem
	local -a port=(--vdev net_null0)
	local memory=("${memory[@]}")

	expect 0 $program -- --help >"$tmp/example" || return 1
	grep -q -- --allocator "$tmp/example" || return 1
	expect 1 $program 2>"$tmp/example" || return 1
	grep -q '^no port: ' "$tmp/example" || return 1
	expect 1 $program "${port[@]}" -- --allocator none || return 1
	expect 1 $program "${port[@]}" -- --packets 1x || return 1
	expect 1 $program "${port[@]}" -- --packets 1000 --replay 300 || return 1
	expect 1 $program "${port[@]}" -- --packets || return 1
	expect 1 $program "${port[@]}" -- --no-such-option || return 1
	expect 1 $program "${port[@]}" -- fastmem || return 1
	memory=(--no-huge -m 64)
	expect 1 $program "${port[@]}" 2>"$tmp/example" || return 1
	grep -q '^port 0: no memory for 16384 mbufs: ' "$tmp/example" || return 1
	expect 1 $program "${port[@]}" -- --mbufs 2048 --packets 1000 >"$tmp/example" || return 1
	grep -q '^mempool cannot be set up for 32768 flows: ' "$tmp/example" || return 1
}

# A signal ends the example as its last packet does.
test_example_signal() {
	local base program i result=0

	eal_base_args base
	timeout -k 5 $((60 * slow)) "$build/examples/dpdk-fastmem" "${base[@]}" \
		"${memory[@]}" --log-level=error --vdev net_null0 -- --packets 0 \
		>"$tmp/example" &
	program=$!
	for ((i = 0; i < 300; i++)); do
		! grep -q '^the run goes on ' "$tmp/example" || break
		sleep 0.1
	done
	# which timeout passes on
	kill -TERM "$program" || return 1
	wait "$program" || result=$?
	[ "$result" -eq 0 ] || {
		echo "exit status after a signal: $result"
		return 1
	}
	grep -q '^stopped by a signal$' "$tmp/example" || return 1
}

# Run the example on a pcap file: the allocators have to come to one result.
example() {
	expect 0 ../examples/dpdk-fastmem --vdev "net_pcap0,rx_pcap=$tmp/$1.pcap,infinite_rx=1" \
		"${@:2}" >"$tmp/example" || return 1
	[ "$(grep -o 'digest [0-9a-f]*' "$tmp/example" | sort -u | wc -l)" -eq 1 ] || {
		cat "$tmp/example"
		return 1
	}
}

# The example: flows and what is none, a full table, one lcore and three.
test_example() {
	local make=$ROOT/examples/fastmem/make-pcap.py

	test_example_errors || return 1
	test_example_signal || return 1
	"$make" --packets 4000 "$tmp/flows.pcap" && "$make" --packets 4000 "$tmp/again.pcap" &&
		"$make" --packets 4000 --seed 2 --mangle "$tmp/mangled.pcap" || return 1
	cmp "$tmp/flows.pcap" "$tmp/again.pcap" || return 1
	example flows -- --packets 80000 --replay 4000 || return 1
	grep -q ': closed [1-9][0-9]*, reset [1-9][0-9]*, idle [1-9][0-9]*, at' "$tmp/example" ||
		return 1
	example flows "$(lcores_arg 3)" --vdev "net_pcap1,rx_pcap=$tmp/mangled.pcap,infinite_rx=1" \
		-- --packets 20000 --replay 4000 --rounds 2 || return 1
	example mangled "$(lcores_arg 1)" -- --packets 80000 --replay 4000 --max-flows 100 \
		--tick 64 || return 1
	grep -q 'table full [1-9]' "$tmp/example" || return 1
	# a file that is shorter than it is said to be
	expect 1 ../examples/dpdk-fastmem --vdev "net_pcap0,rx_pcap=$tmp/flows.pcap" -- \
		--allocator fastmem --packets 4001 >"$tmp/example" || return 1
	grep -q '^fastmem: port 0 has given 4000 of 4001 packets' "$tmp/example" || return 1
	echo "errors, a signal, flows, damaged packets, a full table and a short file"
}

# The comparison, shortened, on hugepages and without.
run_example() {
	local -a quick=(--passes 4 --rounds 1)

	if ! have_pcap_driver; then
		step_skip "example: the installed DPDK has no net_pcap driver"
		return
	fi
	step_check "example" test_example
	# what follows builds and runs the ordinary build
	[ "$build" = "$BUILD" ] || return 0
	if hugepages_usable 512; then
		step_check "comparison of the example, hugepages" \
			"$ROOT/devtools/run-example.sh" "${quick[@]}"
	else
		step_skip "comparison of the example, hugepages: $(hugepages_hint 512)"
	fi
	step_check "comparison of the example, no-huge" \
		"$ROOT/devtools/run-example.sh" --no-huge "${quick[@]}"
}

while [ $# -gt 0 ]; do
	case $1 in
	--hugepages | --build | --slow)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--hugepages) set_hugepages "$2" ;;
		--build)
			BUILD=$(cd "$2" && pwd) || exit 1
			only_units=true
			;;
		--slow)
			[[ $2 =~ ^[0-9]+$ ]] || die "--slow: '$2' is not a number"
			slow=$2
			;;
		esac
		shift
		;;
	--matrix) matrix=true ;;
	--one-way) one_way=true ;;
	--list) list=true ;;
	-h | --help)
		usage
		exit 0
		;;
	-*) die "unknown option '$1', see --help" ;;
	*) names+=("$1") ;;
	esac
	shift
done

if $list; then
	echo "Unit tests:"
	{ list_tests FAST; list_tests STRESS; } | awk '{ print "    " $1 }'
	echo "Ways to run them:"
	ways | sed 's/ n*o*huge */ /; s/^/    /'
	exit 0
fi
for name in ${names[@]+"${names[@]}"}; do
	{ list_tests FAST; list_tests STRESS; } | grep -q "^$name\( \|$\)" ||
		die "there is no unit test '$name', see --list"
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; plugin_remove; eal_remove_files' EXIT
build=$BUILD

if $only_units; then
	ninja -C "$build" </dev/null >"$tmp/out" 2>&1 || {
		cat "$tmp/out" >&2
		die "the build failed"
	}
else
	need_build_tools
	build_tree "$build" || die "the build failed"
fi

find_plugins
unit_tests
if ! $only_units && [ ${#names[@]} -eq 0 ]; then
	step_check "public headers alone" "$ROOT/devtools/check-headers.sh"
	step_check "symbols of the library" "$ROOT/devtools/check-symbols.sh" "$build"
	step_check "test application" test_harness
	step_check "benchmark" test_benchmark
	step_check "traces of allocations" "$ROOT/devtools/test-trace.sh" --build "$build"
	run_example
	step_check "output of the benchmark" "$ROOT/devtools/test-bench-output.sh" --build "$build"
	step_check "mempool driver in the distribution's programs" \
		"$ROOT/devtools/test-driver.sh" --build "$build"
	# busy machines do not reach a factor of ten each time
	step_check "preloaded into DPDK's programs" "$ROOT/devtools/test-preload.sh" \
		--build "$build" --short --factor 5
fi

step_summary
