#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-trace.sh [OPTION...]
#
# Test the traces of dpdk-test-fastmem: those that devtools/make-trace.py makes,
# those that librte_fastmem_trace.so records of programs of the installed DPDK,
# those that are damaged; that all allocators replay the same; and what is told
# of the memory that they take.
#
#   --build DIR  test what is built in DIR rather than to build first
#   --help       show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# What the largest pools take that malloc_autotest needs, and other allocators.
HUGE_MIB=1280
NO_HUGE_MIB=2048
TEST_SECONDS=120

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT

take_build "$@"
need_python_module "the output is checked by a schema" jsonschema python3-jsonschema
bench=$build/app/dpdk-test-fastmem
preload=$build/app/test-fastmem/librte_fastmem_trace.so
make_trace=$ROOT/devtools/make-trace.py

eal=()
eal_base_args eal
if hugepages_usable "$HUGE_MIB"; then
	note "running on hugepages"
	memory=()
else
	note "running without hugepages: $(hugepages_hint "$HUGE_MIB")"
	memory=(--no-huge -m "$NO_HUGE_MIB")
fi

# Of what a command says, the lines that begin with an arrow become one, the last.
summed_up() {
	"$@" >"$tmp/said" 2>&1 || {
		cat "$tmp/said"
		return 1
	}
	sed -n 's/^-> //p' "$tmp/said" | paste -s -d ';' | sed 's/;/; /g'
}

# check LABEL COMMAND...
check() {
	step_check "$1" summed_up "${@:2}"
}

run_bench() {
	timeout -k 5 "$TEST_SECONDS" "$bench" "${eal[@]}" ${memory[@]:+"${memory[@]}"} \
		"$(lcores_arg 1)" --log-level=error -- "$@" </dev/null
}

# One line on stderr, none on stdout, and exit status 1: refused TEXT OPTION...
refused() {
	local text=$1 result=0
	shift

	run_bench "$@" >"$tmp/stdout" 2>"$tmp/stderr" || result=$?
	if [ "$result" -ne 1 ] || [ -s "$tmp/stdout" ] || [ "$(wc -l <"$tmp/stderr")" -ne 1 ] ||
			! grep -q -- "$text" "$tmp/stderr"; then
		echo "exit status $result: $*"
		cat "$tmp/stdout" "$tmp/stderr"
		return 1
	fi
}

check_options() {
	local trace=$tmp/mix other

	refused "replay needs a value" --replay || return 1
	refused "No such file" --replay "$tmp/missing" || return 1
	refused "Is a directory" --memory "$tmp" || return 1
	refused "no trace" --replay "$0" || return 1
	refused "replay: not with --memory" --memory --replay "$trace" || return 1
	refused "unexpected argument" --memory "$trace" "$trace" || return 1
	for other in --targets="$ROOT/app/test-fastmem/targets.ini" --mempool-ops=stack,ring_mp_mc \
			--sizes=64 --scenarios=single --callers=lcore; do
		refused "memory: not with ${other%%=*}" --memory "$other" || return 1
		refused "replay: not with ${other%%=*}" --replay "$trace" "$other" || return 1
	done
}

# The same arguments make the same file, and others another one.
check_generator() {
	local load

	for load in conntrack timers reassembly mix; do
		"$make_trace" --operations 20000 $load "$tmp/$load" &&
			"$make_trace" --operations 2000 --seed 7 $load "$tmp/again1" &&
			"$make_trace" --operations 2000 --seed 7 $load "$tmp/again2" &&
			"$make_trace" --operations 2000 --seed 8 $load "$tmp/again3" || return 1
		cmp "$tmp/again1" "$tmp/again2" || return 1
		! cmp -s "$tmp/again1" "$tmp/again3" || return 1
	done
	! "$make_trace" none "$tmp/none" 2>/dev/null || return 1
}

judge_schema() {
	"$python" -W ignore "$ROOT/devtools/check-bench-output.py" schema \
		"$ROOT/app/test-fastmem/schema.json" "$1"
}

# Whether all allocators have replayed the trace: judge_replay JSON MIN_OPERATIONS
judge_replay() {
	python3 - "$@" <<-'END'
		import json, sys

		with open(sys.argv[1]) as f:
		    replay = json.load(f)["replay"]
		trace, results = replay["trace"], replay["results"]
		if trace["allocations"] + trace["frees"] != trace["operations"]:
		    sys.exit("the numbers of operations differ")
		if trace["operations"] < int(sys.argv[2]):
		    sys.exit(f"{trace['operations']} operations only")
		usual = {"fastmem", "fastmem-sized", "fastmem-handle", "mempool", "rte_malloc", "libc", "null"}
		skipped = [s for s in replay["skipped"] if s["allocator"] in usual]
		if skipped:
		    sys.exit(f"skipped: {skipped}")
		if {r["checksum"] for r in results} != {trace["checksum"]}:
		    sys.exit("the checksums differ")
		for r in results:
		    if not 0 < r["best"] <= r["median"] or not r["rounds"]:
		        sys.exit(f"no figure: {r}")
		if not usual <= {r["allocator"] for r in results}:
		    sys.exit("an allocator is missing")
		print(f"-> {trace['operations']} operations, {trace['sizes']} sizes, "
		      f"{len(results)} allocators, checksum {trace['checksum']}")
	END
}

replay() {
	run_bench --replay "$1" --rounds 3 --duration 1 --json "$tmp/json" || return 1
	judge_schema "$tmp/json" || return 1
	judge_replay "$tmp/json" "$2"
}

# Traces that are wrong in one way, each with what is said of it.
check_wrong() {
	local file

	mkdir "$tmp/wrong"
	python3 - "$tmp/wrong" <<-'END' || return 1
		import struct, sys

		def varint(value):
		    out = b""
		    while value >= 128:
		        out += bytes([value & 127 | 128])
		        value >>= 7
		    return out + bytes([value])

		def alloc(slot, size):
		    return varint(slot << 2) + varint(size << 1)

		def free(slot):
		    return varint(slot << 2 | 1)

		HEAD = b"fmtrace\n" + struct.pack("<I", 1)
		TAIL = b"\3" + struct.pack("<QQI", 1, 0, 0)
		one = alloc(0, 64)
		for i, (text, data) in enumerate((
		        ("no header", b""),
		        ("no header", b"FMTRACE\n" + HEAD[8:] + one + TAIL),
		        ("a version", HEAD[:8] + struct.pack("<I", 2) + one + TAIL),
		        ("an event that has no end", HEAD),
		        ("an event that has no end", HEAD + b"\xff" * 11),
		        ("a size that has no end", HEAD + b"\0" + b"\xff" * 11),
		        ("a size that is out of range", HEAD + alloc(0, 0) + TAIL),
		        ("a size that is out of range", HEAD + alloc(0, 1 << 32) + TAIL),
		        ("slot that is out of range", HEAD + alloc(1, 64) + TAIL),
		        ("slot that is out of range", HEAD + alloc((1 << 62) - 1, 64) + TAIL),
		        ("slot that is in use", HEAD + one + one + TAIL),
		        ("free of an unknown object", HEAD + free(0) + TAIL),
		        ("free of an unknown object", HEAD + one + b"\6\10" + TAIL),
		        ("free already", HEAD + one + free(0) + free(0) + TAIL),
		        ("an alignment that is out of range", HEAD + b"\0\x81\1\x3f" + TAIL),
		        ("a thread that is out of range", HEAD + varint(3 << 2 | 3) + TAIL),
		        ("more or less than a footer", HEAD + one + TAIL + b"\0"),
		        ("other numbers of events", HEAD + one + b"\3" + b"\xff" * 20),
		        ("another checksum", HEAD + one + TAIL),
		        ("no event", HEAD + b"\3" + bytes(20)))):
		    with open(f"{sys.argv[1]}/{i:02}", "wb") as f:
		        f.write(data)
		    with open(f"{sys.argv[1]}/{i:02}.text", "w") as f:
		        f.write(text)
	END
	for file in "$tmp"/wrong/??; do
		refused "$(cat "$file.text")" --replay "$file" || return 1
	done
}

# A small trace, cut at each byte and with each byte changed: it is refused, or
# else replayed to the checksum that it has.
check_damaged() {
	"$make_trace" --operations 20 timers "$tmp/small" || return 1
	python3 - "$tmp" "$bench" "${eal[@]}" --no-huge -m 64 --log-level=error \
		"$(lcores_arg 1)" <<-'END'
		import os, subprocess, sys

		tmp, command = sys.argv[1], sys.argv[2:]
		with open(os.path.join(tmp, "small"), "rb") as f:
		    data = f.read()
		path = os.path.join(tmp, "damaged")
		counts = {0: 0, 1: 0}
		mutants = [data[:n] for n in range(len(data))]
		for n in range(len(data)):
		    mutants.append(data[:n] + bytes([data[n] ^ 1 << n % 8]) + data[n + 1:])
		for mutant in mutants:
		    with open(path, "wb") as f:
		        f.write(mutant)
		    run = subprocess.run(
		        command + ["--", "--replay", path, "--rounds", "1", "--allocators", "libc"],
		        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
		    if run.returncode not in counts:
		        sys.exit(f"exit status {run.returncode}: {mutant.hex()}: {run.stderr}")
		    if run.returncode and (run.stdout or run.stderr.count("\n") != 1):
		        sys.exit(f"not one line: {mutant.hex()}: {run.stdout}{run.stderr}")
		    if len(mutant) < len(data) and not run.returncode:
		        sys.exit(f"accepted: {mutant.hex()}")
		    counts[run.returncode] += 1
		print(f"-> {counts[1]} refused, {counts[0]} replayed")
	END
}

# The reader by itself under a sanitizer.
check_reader() {
	local -a flags

	"$make_trace" --operations 60 mix "$tmp/reader" || return 1
	read -r -a flags <<<"$(pkg-config --cflags --libs libdpdk)"
	cc -g -O1 -Wall -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API \
		-I"$ROOT/app/test-fastmem" -I"$ROOT/compat/include" -I"$ROOT/lib/fastmem" \
		"$ROOT/devtools/fuzz-trace.c" "$ROOT/app/test-fastmem/trace.c" \
		-o "$tmp/fuzz" "${flags[@]}" || return 1
	fuzz "$tmp/reader"
}

fuzz() {
	timeout -k 5 "$TEST_SECONDS" "$tmp/fuzz" "$1" | sed 's/^/-> /'
	return "${PIPESTATUS[0]}"
}

# Run a program with its allocations recorded: record FILE COMMAND...
record() {
	local file=$1
	shift

	timeout -k 5 "$TEST_SECONDS" env FASTMEM_TRACE="$file" LD_PRELOAD="$preload" \
		"$1" "${eal[@]}" ${memory[@]:+"${memory[@]}"} "${@:2}" </dev/null
}

# DPDK's own test of rte_malloc(): 30,000 objects by each lcore but the first.
check_record() {
	DPDK_TEST=malloc_autotest record "$tmp/malloc" dpdk-test "$(lcores_arg 2)" \
		>"$tmp/log" 2>&1 || { tail -n 20 "$tmp/log"; return 1; }
	grep -q '^Test OK$' "$tmp/log" || return 1
	grep -q 'frees recorded' "$tmp/log" || return 1
	replay "$tmp/malloc" 100000
}

check_testpmd() {
	record "$tmp/testpmd" dpdk-testpmd "$(lcores_arg 2)" --vdev=net_null0 --vdev=net_null1 \
		-- --total-num-mbufs=2048 --no-mlockall >"$tmp/log" 2>&1 ||
		{ tail -n 20 "$tmp/log"; return 1; }
	replay "$tmp/testpmd" 100
}

# A program with threads and fork(): the children leave the file alone.
check_fork() {
	local -a flags

	read -r -a flags <<<"$(pkg-config --cflags --libs libdpdk)"
	cc -O2 -Wall "$ROOT/devtools/preload-app.c" -o "$tmp/app" "${flags[@]}" -pthread || return 1
	record "$tmp/forked" "$tmp/app" "$(lcores_arg 1)" || return 1
	replay "$tmp/forked" 8 || return 1
	# it has alignments, which no checksum covers
	fuzz "$tmp/forked"
}

# Where nothing can be written, the program does not notice.
check_unwritable() {
	local file

	for file in /dev/full "$tmp/missing/file" "$tmp"; do
		DPDK_TEST=hash_autotest record "$file" dpdk-test "$(lcores_arg 1)" \
			>"$tmp/log" 2>&1 || return 1
		grep -q '^Test OK$' "$tmp/log" || return 1
		[ "$(grep -c 'FASTMEM_TRACE: .*recording ends$' "$tmp/log")" -eq 1 ] || return 1
	done
}

# Whether what is told of memory can be: judge_memory JSON
judge_memory() {
	python3 - "$@" <<-'END'
		import json, sys

		with open(sys.argv[1]) as f:
		    memory = json.load(f)["memory"]
		rows = {a["name"]: a["points"] for a in memory["allocators"]}
		if memory["skipped"]:
		    sys.exit(f"skipped: {memory['skipped']}")
		if set(rows) != {"fastmem", "fastmem-trim", "mempool", "rte_malloc", "libc"}:
		    sys.exit(f"rows: {sorted(rows)}")
		ends = [p["operation"] for p in memory["phases"]]
		if ends != sorted(ends):
		    sys.exit(f"phases: {ends}")
		asked = [(p["operation"], p["requested_bytes"]) for p in rows["fastmem"]]
		peak = max(bytes for _, bytes in asked)
		for name, points in rows.items():
		    if [(p["operation"], p["requested_bytes"]) for p in points] != asked:
		        sys.exit(f"{name}: another load")
		    if len(points) < 150 or not set(ends) <= {p["operation"] for p in points}:
		        sys.exit(f"{name}: {len(points)} points")
		    for p in points:
		        cached = p["cached_bytes"]
		        if not p["requested_bytes"] <= p["live_bytes"] <= p["backing_bytes"]:
		            sys.exit(f"{name}: {p}")
		        if cached is not None and not 0 <= cached <= p["backing_bytes"] - p["live_bytes"]:
		            sys.exit(f"{name}: {p}")
		    if max(p["backing_bytes"] for p in points) < peak:
		        sys.exit(f"{name}: less than the objects")
		for name in "fastmem-trim", "rte_malloc":
		    if rows[name][-1]["backing_bytes"] > 2 << 20:
		        sys.exit(f"{name}: {rows[name][-1]['backing_bytes']} bytes at the end")
		if len({p["backing_bytes"] for p in rows["mempool"]}) != 1:
		    sys.exit("mempools have changed their size")
		print(f"-> {len(asked)} points, {len(ends)} phases, peak {peak / 1048576:.1f} MiB")
	END
}

check_memory() {
	run_bench --memory ${1:+"$1"} --json "$tmp/json" || return 1
	judge_schema "$tmp/json" || return 1
	judge_memory "$tmp/json"
}

# By a signal, with the rows so far as JSON.
check_signal() {
	local result=0 program i

	"$make_trace" --operations 200000 mix "$tmp/long" || return 1
	# in the foreground, or else it passes the signal on twice, and the second one kills
	timeout --foreground -k 5 "$TEST_SECONDS" "$bench" "${eal[@]}" \
		${memory[@]:+"${memory[@]}"} \
		"$(lcores_arg 1)" --log-level=error -- --replay "$tmp/long" --rounds 1000 \
		--duration 100 --json "$tmp/json" </dev/null >"$tmp/log" 2>&1 &
	program=$!
	for ((i = 0; i < 300; i++)); do
		! grep -qs 'reserved for fastmem' "$tmp/log" || break
		sleep 0.1
	done
	# which timeout passes on
	kill -TERM "$program" || return 1
	wait "$program" || result=$?
	if [ "$result" -ne 1 ] || ! grep -q 'interrupted$' "$tmp/log"; then
		echo "exit status after a signal: $result"
		cat "$tmp/log"
		return 1
	fi
	python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["complete"])' "$tmp/json"
}

check "traces of typical loads" check_generator
check "options" check_options
for load in conntrack timers reassembly mix; do
	check "replay of $load" replay "$tmp/$load" 20000
done
check "traces that are wrong" check_wrong
check "damaged traces" check_damaged
check "reader under a sanitizer" check_reader
check "signal" check_signal
check "memory" check_memory
check "memory by a trace" check_memory "$tmp/mix"
if [ ! -e "$preload" ]; then
	step_fail "there is no $preload"
elif ! have dpdk-test || ! have dpdk-testpmd; then
	step_skip "recording: there is no dpdk-test or dpdk-testpmd, which Debian has in dpdk-dev"
else
	check "recording of malloc_autotest" check_record
	check "recording of dpdk-testpmd" check_testpmd
	check "recording of a program that forks" check_fork
	check "recording to where it cannot be" check_unwritable
fi

step_summary
