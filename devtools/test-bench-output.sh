#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-bench-output.sh [OPTION...]
#
# Run each scenario of the benchmark, as short as can be and without hugepages,
# and check all that it writes: the JSON by its schema, CSV and Markdown by the
# JSON, the progress on a terminal, the comparison of runs, and the pictures.
# What is missing is installed (as root).
#
#   --build DIR   test what is built in DIR rather than to build first
#   --help        show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

RUN_SECONDS=60
SCHEMA=$ROOT/app/test-fastmem/schema.json

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT

take_build "$@"
need_python_module "pictures need matplotlib" matplotlib python3-matplotlib
plotter=$python
need_python_module "the output is checked by a schema" jsonschema python3-jsonschema

bench=$build/app/dpdk-test-fastmem
eal_base_args eal
eal+=(--no-huge -m 512 --log-level=error "$(lcores_arg 2)")
quick=(--rounds 1 --duration 1 --sizes 64)

output() {
	"$python" -W ignore "$ROOT/devtools/check-bench-output.py" "$@"
}

# Run the benchmark with its own options.
bench() {
	timeout -k 5 "$RUN_SECONDS" "$bench" "${eal[@]}" -- "$@"
}

# Something has to fail with exit status 1, and one line that has a text:
# refused TEXT COMMAND...
refused() {
	local text=$1 result=0
	shift

	"$@" >/dev/null 2>"$tmp/refused" || result=$?
	if [ "$result" -ne 1 ] || [ "$(wc -l <"$tmp/refused")" -ne 1 ] ||
			! grep -qF -- "$text" "$tmp/refused"; then
		echo "$*: exit status $result, and not one line with '$text':"
		cat "$tmp/refused"
		return 1
	fi
}

# All formats at once: written NAME OPTION...
written() {
	local name=$1
	shift

	bench "$@" --json "$tmp/$name.json" --csv "$tmp/$name.csv" \
		--markdown "$tmp/$name.md" >"$tmp/$name.out"
}

every_scenario() {
	bench --list >"$tmp/list" || return 1
	written all "${quick[@]}" --allocators fastmem,mempool,libc || return 1
	output scenarios "$tmp/list" "$tmp/all.json"
}

# Several sizes, callers and rounds, for all columns of the tables.
several_callers() {
	written callers --rounds 3 --duration 1 --sizes 64,256 --callers lcore,thread \
		--scenarios single,fifo,random,firsttouch --allocators fastmem,mempool,libc
}

judged() {
	local result=0

	printf '[a]\nscenario = single\nfastmem = 1/1000000\n' >"$tmp/missed.ini"
	bench "${quick[@]}" --targets "$tmp/missed.ini" --json "$tmp/targets.json" >"$tmp/targets.out" ||
		result=$?
	[ "$result" -eq 2 ] || return 1
	grep -q '<null' "$tmp/targets.out" || return 1
	grep -q '^targets: 0 met, 1 missed (1 of them below what null takes)' "$tmp/targets.out"
}

# The median of three processes counts, but for what is below what null takes.
judged_again() {
	local judge=$ROOT/devtools/judge-targets.py i result=0
	local ratios=(1.0 0.4 0.45)

	[ -z "$("$judge" --scenarios "$tmp/targets.json")" ] || return 1
	for i in 0 1 2; do
		sed -E 's/"floor": [^,]+/"floor": 0.1/; s/"target": [^,]+/"target": 0.5/
			s/"ratio": [^,]+/"ratio": '"${ratios[i]}/" \
			"$tmp/targets.json" >"$tmp/process-$i.json"
	done
	[ "$("$judge" --scenarios "$tmp/process-0.json")" = single ] || return 1
	"$judge" "$tmp"/process-[012].json >"$tmp/judged" || return 1
	grep -q '1.000 0.400 0.450, target 0.500: 0.450 ok$' "$tmp/judged" || return 1
	grep -q '^targets: 1 met, 0 missed (0 of them' "$tmp/judged" || return 1
	"$judge" "$tmp"/process-{0,1,0}.json >"$tmp/judged" || result=$?
	[ "$result" -eq 2 ] || return 1
	grep -q '^targets: 0 met, 1 missed (0 of them' "$tmp/judged" || return 1
	! "$judge" "$tmp/list" "$tmp/list" 2>/dev/null
}

# The report names figures with a large spread, and the JSON has as many.
named_spread() {
	local n

	n=$(grep -c '"unstable": true' "$tmp/callers.json" || true)
	grep -q "^$n of [0-9]* figures have a spread above 10 per cent:*" "$tmp/callers.out"
}

# One format goes to stdout, and nothing else does; what the tables are for is
# on stderr then.
on_stdout() {
	local option

	for option in json csv markdown; do
		bench "${quick[@]}" --scenarios single --allocators fastmem,libc "--$option" - \
			>"$tmp/stdout.$option" 2>"$tmp/stderr" || return 1
		grep -q '^fastmem  ' "$tmp/stderr" || return 1
	done
	output schema "$SCHEMA" "$tmp/stdout.json" || return 1
	head -n 1 "$tmp/stdout.csv" | grep -q '^scenario,metric,' || return 1
	[ "$(wc -l <"$tmp/stdout.csv")" -eq 3 ] || return 1
	head -n 1 "$tmp/stdout.markdown" | grep -q '^# dpdk-test-fastmem$'
}

bad_files() {
	local -a short=("${quick[@]}" --scenarios single --allocators libc)

	refused "--csv: '-' is the file of --json already" bench --json - --csv - || return 1
	refused "--markdown: '$tmp/a' is the file of --csv already" \
		bench --csv "$tmp/a" --markdown "$tmp/a" || return 1
	echo "kept" >"$tmp/a"
	refused "--json and --csv are one file" \
		bench --json "$tmp/a" --csv "$tmp/./a" || return 1
	refused "cannot write to '$tmp/none/b'" \
		bench --json "$tmp/a" --csv "$tmp/none/b" || return 1
	[ "$(cat "$tmp/a")" = kept ] || return 1
	refused "--markdown: the name of the file is empty" bench --markdown "" || return 1
	refused "--csv needs a value" bench --csv || return 1
	refused "cannot write to '/dev/full'" bench "${short[@]}" --json /dev/full || return 1
	refused "cannot write to '/dev/full'" bench "${short[@]}" --csv /dev/full || return 1
	refused "cannot write to '/dev/full'" bench "${short[@]}" --markdown /dev/full
}

# Nothing of the progress may be where there is no terminal.
no_progress() {
	local -a more=(--rounds 21 --duration 2 --sizes 64 --scenarios fifo --allocators libc)

	bench "${more[@]}" >"$tmp/piped" 2>&1 || return 1
	# a terminal, but not for the tables
	output terminal "$tmp/screen" bash -c "$(printf '%q ' "$bench" "${eal[@]}" -- \
		"${more[@]}") | cat >>$(printf %q "$tmp/piped")" || return 1
	! grep -qE $'\r|\033| left' "$tmp/piped" "$tmp/screen"
}

progress() {
	output terminal "$tmp/screen" timeout -k 5 "$RUN_SECONDS" "$bench" "${eal[@]}" -- \
		--rounds 21 --duration 20 --sizes 64 --scenarios fifo \
		--allocators fastmem,libc || return 1
	output progress "$tmp/screen"
}

# Compare files of results: compared A B [OPTION...]
compared() {
	"$bench" -- --compare "$@" >"$tmp/compared"
}

same_runs() {
	local n

	n=$(grep -c '"median"' "$tmp/all.json")
	compared "$tmp/all.json" "$tmp/all.json" || return 1
	tail -n 1 "$tmp/compared" |
		grep -qx "compared $n cells: $n agree within 10 per cent, 0 don't" || return 1
	! grep -qE '^warning|^only in| \*$' "$tmp/compared"
}

# Of the first four figures, which are of fastmem and mempool in "single" and
# "fifo": one is larger by 20 per cent, one by 5, one smaller, and one is gone.
other_runs() {
	local n

	n=$(($(grep -c '"median"' "$tmp/callers.json") - 1))
	output doctor "$tmp/callers.json" "$tmp/doctored.json" || return 1
	compared "$tmp/callers.json" "$tmp/doctored.json" || return 1
	tr -s '\n ' ' ' <"$tmp/compared" | grep -qF "compared $n cells: $((n - 2)) agree within 10 \
per cent, 2 don't: single/alloc + free/fastmem/64 B, single/alloc + free/mempool/64 B" || return 1
	grep -qx "only in A: single/alloc + free/mempool/thread/64 B" "$tmp/compared" || return 1
	grep -q "^warning: the version of DPDK differs: .* / DPDK 1.2.3$" "$tmp/compared" || return 1
	[ "$(grep -c ' \*$' "$tmp/compared")" -eq 2 ] || return 1
	compared "$tmp/callers.json" "$tmp/doctored.json" --tolerance 4 || return 1
	[ "$(grep -c ' \*$' "$tmp/compared")" -eq 3 ] || return 1
	compared "$tmp/doctored.json" "$tmp/callers.json" || return 1
	grep -qx "only in B: single/alloc + free/mempool/thread/64 B" "$tmp/compared"
}

bad_runs() {
	local file

	echo "garbage" >"$tmp/garbage"
	: >"$tmp/empty"
	echo '{"results": []}' >"$tmp/other"
	echo '{"program": "testpmd", "version": 1, "results": []}' >"$tmp/program"
	sed 's/"version": 1/"version": 2/' "$tmp/all.json" >"$tmp/version"
	sed 's/"median": [0-9]/"median": "x", "m": 1/' "$tmp/all.json" >"$tmp/member"
	head -c 1000 "$tmp/all.json" >"$tmp/cut"
	for file in garbage empty other program version member cut; do
		refused "'$tmp/$file' is not JSON of dpdk-test-fastmem: " \
			compared "$tmp/$file" "$tmp/all.json" || return 1
		refused "'$tmp/$file' is not JSON of dpdk-test-fastmem: " \
			compared "$tmp/all.json" "$tmp/$file" || return 1
	done
	refused "cannot read '$tmp/none'" compared "$tmp/all.json" "$tmp/none" || return 1
	refused "needs two files, and 1 is given" compared "$tmp/all.json" || return 1
	refused "needs two files, and 3 are given" compared a b c || return 1
	refused "--json cannot be given with it" compared a b --json c
}

# Make pictures: plot FOLDER FILE...
plot() {
	mkdir -p "$1" && "$plotter" "$ROOT/devtools/plot-bench.py" --out "$@" >/dev/null
}

pictures() {
	local name

	# with memory, and with fewer lcores
	"$python" - "$tmp/all.json" "$tmp/memory.json" "$tmp/lcore.json" <<-'END'
		import json, sys

		with open(sys.argv[1]) as f:
		    data = json.load(f)
		points = [{"operation": i * 1000, "live_bytes": 2000000 + i, "requested_bytes": 1000000 + i,
		           "backing_bytes": 4194304, "cached_bytes": None} for i in range(100)]
		data["memory"] = {"allocators": [{"name": n, "points": points} for n in ("fastmem", "libc")],
		                  "phases": [{"name": "first", "operation": 0}]}
		with open(sys.argv[2], "w") as f:
		    json.dump(data, f)
		data["machine"]["lcores"] = 1
		with open(sys.argv[3], "w") as f:
		    json.dump(data, f)
	END
	plot "$tmp/first" "$tmp/memory.json" "$tmp/lcore.json" || return 1
	plot "$tmp/second" "$tmp/memory.json" "$tmp/lcore.json" || return 1
	for name in cycles-by-size scaling-by-lcores latency memory memory-overhead; do
		"$python" -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
			"$tmp/first/$name.svg" || return 1
		cmp "$tmp/first/$name.svg" "$tmp/second/$name.svg" || return 1
		[ "$(head -c 4 "$tmp/first/$name.png" | tail -c 3)" = PNG ] || return 1
		[ "$(wc -c <"$tmp/first/$name.png")" -gt 10000 ] || return 1
	done
	refused "is not JSON of dpdk-test-fastmem" plot "$tmp/first" "$tmp/other"
}

step_check "each scenario" every_scenario
step_check "several sizes, callers and rounds" several_callers
step_check "targets" judged
step_check "targets, by several processes" judged_again
step_check "JSON, by the schema" output schema "$SCHEMA" "$tmp/all.json" "$tmp/callers.json" \
	"$tmp/targets.json"
step_check "wrong JSON, by the schema" output strict "$SCHEMA" "$tmp/callers.json"
step_check "CSV" output csv "$tmp/all.json" "$tmp/all.csv"
step_check "CSV, several sizes and callers" output csv "$tmp/callers.json" "$tmp/callers.csv"
step_check "Markdown" output markdown "$tmp/all.json" "$tmp/all.md"
step_check "Markdown, several sizes and callers" output markdown "$tmp/callers.json" "$tmp/callers.md"
step_check "figures with a large spread" named_spread
step_check "each format on the standard output" on_stdout
step_check "files that cannot be written" bad_files
step_check "no progress in pipes and files" no_progress
step_check "progress on a terminal" progress
step_check "comparison of a run with itself" same_runs
step_check "comparison of runs that differ" other_runs
step_check "comparison of what is no run" bad_runs
step_check "pictures" pictures

step_summary
