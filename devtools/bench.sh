#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/bench.sh [OPTION...] [BENCHMARK OPTION...]
#
# Build fastmem beside the installed DPDK and compare it with the other
# allocators. Packages that the build lacks are installed (as root), and so are
# mimalloc, jemalloc and tcmalloc to compare with, if they can be.
#
#   --hugepages N     set N hugepages of 2 MiB first (as root); they stay set
#   --eal 'ARGS'      more arguments for EAL, separated by spaces
#   --out DIR         write the results and pictures of them to DIR: fastmem.json,
#                     .csv and .md, and SVG and PNG files; measure the memory that
#                     the allocators take, too
#   --targets         rather than show figures, judge them by the targets in
#                     app/test-fastmem, and what misses by two more processes;
#                     the exit status is 2 if any is missed
#   --all-builds      with --targets: judge each of the builds by gcc and clang,
#                     static and shared
#   --dpdk DIR        build in a copy of a DPDK source tree instead, which is
#                     kept in build-import/, so that a second run is short
#   --oversubscribed  run 8 lcores on 2 CPUs, longer; with --targets, judge by
#                     those for that
#   --help            show this text and the options of the benchmark
#
# All other options are those of dpdk-test-fastmem, for instance
#   devtools/bench.sh --sizes 64,256 --json result.json

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# What the largest scenarios take, with a margin for rte_malloc's own needs.
HUGE_MIB=1024
NO_HUGE_MIB=2048

APP=app/test-fastmem

bench=$BUILD/app/dpdk-test-fastmem
help=false
targets=false
all_builds=false
oversubscribed=false
dpdk=
hugepages=
out=
json=
eal_extra=()
args=()

# The options of dpdk-test-fastmem, each as NAME or NAME=, if it has a value, or
# NAME? if it may have one.
bench_options() {
	sed -n 's/^\t{ "\([a-z]*\)", no_argument.*/\1/p
		s/^\t{ "\([a-z]*\)", required_argument.*/\1=/p
		s/^\t{ "\([a-z]*\)", optional_argument.*/\1?/p' "$ROOT/$APP/options.c"
}

# What is wrong with an option would otherwise be found after the build.
# Sets n_values to how many arguments follow:
# check_bench_option OPTION N_ARGS [NEXT]
check_bench_option() {
	local name=${1#--}

	if bench_options | grep -qx -- "${name%%=*}=" && [ "${1#--}" != "$1" ]; then
		[[ $name != *=* ]] || return 0
		[ "$2" -ge 2 ] || die "$1 needs a value"
		n_values=1
	elif bench_options | grep -qx -- "${name%%=*}?" && [ "${1#--}" != "$1" ]; then
		[[ $name == *=* || $2 -lt 2 || ${3-} == -* ]] || n_values=1
	elif ! bench_options | grep -qx -- "$name" || [ "$name" = "$1" ]; then
		die "unknown option '$1', see --help"
	fi
}

while [ $# -gt 0 ]; do
	case $1 in
	--hugepages | --eal | --dpdk | --out)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--hugepages)
			[[ $2 =~ ^[0-9]+$ ]] || die "--hugepages: '$2' is not a number"
			hugepages=$2
			;;
		--out) out=$2 ;;
		--eal)
			read -r -a eal_extra <<<"$2"
			;;
		--dpdk)
			[ -f "$2/VERSION" ] || die "--dpdk: '$2' is no DPDK source tree"
			dpdk=$(cd "$2" && pwd) || exit 1
			;;
		esac
		shift
		;;
	--compare)
		[ $# -ge 3 ] || die "--compare needs two files"
		args+=("$1" "$2" "$3")
		shift 2
		;;
	--targets) targets=true ;;
	--all-builds) all_builds=true ;;
	--oversubscribed) oversubscribed=true ;;
	-h | --help) help=true ;;
	*)
		n_values=0
		check_bench_option "$1" $# "${2-}"
		args+=("$1")
		if [ "$n_values" -eq 1 ]; then
			args+=("$2")
			shift
		fi
		;;
	esac
	shift
done

if $all_builds && ! $targets; then
	die "--all-builds is for --targets"
fi
if $all_builds && [ -n "$dpdk" ]; then
	die "--all-builds and --dpdk: one at a time"
fi
if $targets; then
	for i in "${!args[@]}"; do
		arg=${args[i]}
		case $arg in
		--json) json=${args[i + 1]} ;;
		--json=*) json=${arg#*=} ;;
		esac
		case "$arg ${args[i + 1]-}" in
		--json\ - | --csv\ - | --markdown\ - | --json=-\ * | --csv=-\ * | --markdown=-\ *)
			die "${arg%%=*}: --targets needs a file"
			;;
		esac
		case $arg in
		--allocators* | --callers*) die "${arg%%=*}: these are given by --targets" ;;
		--json* | --csv* | --markdown*)
			! $all_builds || die "${arg%%=*}: there is one file, and several builds"
			;;
		esac
	done
fi

if [ -n "$out" ]; then
	! $all_builds || die "--out: there is one folder, and several builds"
	[ ! -e "$out" ] || [ -d "$out" ] || die "--out: '$out' is no folder"
	for arg in "${args[@]}"; do
		case $arg in
		--json* | --csv* | --markdown*) die "${arg%%=*}: --out names the file" ;;
		--compare) die "--out: there are no files of ${arg%%=*}" ;;
		esac
	done
fi

! $help || help_and_exit "$bench" --sizes
[ -z "$hugepages" ] || set_hugepages "$hugepages"

need_build_tools
if [ -n "$out" ]; then
	need_python_module "pictures need matplotlib" matplotlib python3-matplotlib
	mkdir -p "$out" || die "--out: '$out' cannot be made"
	out=$(cd "$out" && pwd) || exit 1
fi

# Make everything that is registered in a DPDK tree, and the benchmark alone.
build_in_dpdk() {
	local tree log
	# shellcheck disable=SC2054 # commas within options
	local -a options=(
		-Ddefault_library=static
		-Ddisable_drivers='*'
		-Denable_drivers=bus/vdev,mempool/ring
		-Denable_apps=test-fastmem
		-Dtests=false
	)

	need_dpdk_build_tools
	tree=$(dpdk_copy "$dpdk") || return 1
	"$ROOT/devtools/import-into-dpdk.sh" "$tree" >&2 || return 1

	# the libraries that can be left out are many
	# shellcheck disable=SC2054 # commas within options
	if grep -q "'enable_libs'" "$tree/meson_options.txt"; then
		options+=(-Denable_libs=cfgfile,fastmem)
	fi
	BUILD=$tree/build-bench
	log=$(mktemp)
	if [ ! -f "$BUILD/build.ninja" ]; then
		note "configuring DPDK $(cat "$tree/VERSION")"
		quietly "$log" meson setup "${options[@]}" "$BUILD" "$tree" || return 1
	fi
	note "building DPDK $(cat "$tree/VERSION")"
	quietly "$log" ninja -C "$BUILD" app/dpdk-test-fastmem || return 1
	rm -f "$log"
}

apt_get_quietly() {
	apt_get -o Acquire::Retries=0 "$@" </dev/null >/dev/null 2>&1
}

# Install the libraries that the benchmark compares with if they are there. It
# does without those that cannot be installed, and says so.
install_allocators() {
	local soname packages package missing=()

	is_root && have apt-get && have ldconfig || return 0
	while read -r soname packages; do
		! ldconfig -p | grep -q "$soname" || continue
		# the name of a package may depend on the release
		for package in $packages; do
			! apt-cache show "$package" >/dev/null 2>&1 || break
		done
		missing+=("$package")
	done <<-END
		libmimalloc.so. libmimalloc3 libmimalloc2.0
		libjemalloc.so.2 libjemalloc2
		libtcmalloc_minimal.so.4 libtcmalloc-minimal4
	END
	[ ${#missing[@]} -gt 0 ] || return 0
	note "installing allocators to compare with: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt_get_quietly install -y --no-install-recommends "${missing[@]}"; then
		apt_get_quietly update || true
		for package in "${missing[@]}"; do
			apt_get_quietly install -y --no-install-recommends "$package" ||
				note "$package could not be installed"
		done
	fi
}

# Run the benchmark of the build in BUILD: run_bench [BENCHMARK_OPTION...]
run_bench() {
	local result=0
	local -a eal

	eal_base_args eal
	if hugepages_usable "$HUGE_MIB"; then
		note "running on hugepages"
	else
		note "running without hugepages, which slows every allocator down"
		note "$(hugepages_hint "$HUGE_MIB")"
		eal+=(--no-huge -m "$NO_HUGE_MIB")
	fi
	! $oversubscribed || eal+=("$(lcores_arg 8)")
	"$BUILD/app/dpdk-test-fastmem" "${eal[@]}" --log-level=notice \
		${eal_extra[@]:+"${eal_extra[@]}"} -- ${args[@]:+"${args[@]}"} "$@" || result=$?
	# the next run's hugepages
	eal_remove_files
	return "$result"
}

# What the benchmark's JSON in the folder says: how many lcores there were, if
# they are to be compared with fewer of them.
lcores_of_scaling() {
	"$python" - "$out/fastmem.json" <<-'END'
		import json, sys

		with open(sys.argv[1]) as f:
		    data = json.load(f)
		scaling = {"single", "lcores"} <= {r["scenario"] for r in data["results"]}
		print(data["machine"]["lcores"] if scaling and not data["targets"] else 1)
	END
}

# How the allocators scale takes runs on fewer lcores, which are short. The
# user's own choice of lcores is not known to have any of them.
run_scaling() {
	local n lcores scenario=single
	local -a eal_user=(${eal_extra[@]:+"${eal_extra[@]}"})

	[[ " ${eal_extra[*]-}" != *" -"[lc]* ]] && [[ " ${eal_extra[*]-}" != *" --lcores"* ]] &&
		! $oversubscribed || return 0
	lcores=$(lcores_of_scaling) || return 1
	for ((n = 1; n < lcores; n *= 2)); do
		note "running on $n of $lcores lcores"
		eal_extra=(${eal_user[@]:+"${eal_user[@]}"} -l "$(cpus | head -n "$n" | paste -s -d ,)")
		run_bench --scenarios "$scenario" --json "$out/fastmem-lcores-$n.json" \
			>/dev/null || return 1
		scenario=lcores
	done
	eal_extra=(${eal_user[@]:+"${eal_user[@]}"})
}

# What the allocators take for a load, unless it is for the targets that it runs.
run_memory() {
	local -a args_user=(${args[@]:+"${args[@]}"})

	! $targets || return 0
	note "measuring the memory that is taken"
	args=()
	run_bench --memory --json "$out/fastmem-memory.json" || return 1
	args=(${args_user[@]:+"${args_user[@]}"})
}

# Measure some scenarios once more, and write none of the user's own files again:
# measure_again SCENARIOS FILE
measure_again() {
	local i result=0
	local -a kept=() args_user=("${args[@]}")

	for ((i = 0; i < ${#args[@]}; i++)); do
		case ${args[i]} in
		--json | --csv | --markdown) i=$((i + 1)) ;;
		--json=* | --csv=* | --markdown=*) ;;
		*) kept+=("${args[i]}") ;;
		esac
	done
	args=("${kept[@]}")
	run_bench --scenarios "$1" --json "$2" >/dev/null || result=$?
	args=("${args_user[@]}")
	[ "$result" -eq 0 ] || [ "$result" -eq 2 ]
}

# Judge by the targets, with the results in a file. What misses is judged by two
# more processes: run_targets FILE [BENCHMARK_OPTION...]
run_targets() {
	local file=$1 scenarios i result=0
	local -a more=()
	shift

	run_bench --json "$file" "$@" || result=$?
	[ "$result" -eq 2 ] || return "$result"
	scenarios=$(python3 "$ROOT/devtools/judge-targets.py" --scenarios "$file") || return 1
	[ -n "$scenarios" ] || return 2
	for i in 2 3; do
		note "measuring what missed by another process"
		more+=("$work/targets-$i.json")
		measure_again "$scenarios" "${more[-1]}" || return 1
	done
	python3 "$ROOT/devtools/judge-targets.py" "$file" "${more[@]}"
}

# The benchmark, and what is wanted of it in files.
run() {
	local result=0 measure=(run_bench --json)
	local -a files

	! $targets || measure=(run_targets)
	if [ -z "$out" ]; then
		if $targets; then
			run_targets "$json"
		else
			run_bench
		fi
		return
	fi
	rm -f "$out"/fastmem-lcores-*.json "$out/fastmem-memory.json"
	"${measure[@]}" "$out/fastmem.json" --csv "$out/fastmem.csv" \
		--markdown "$out/fastmem.md" || result=$?
	[ "$result" -ne 1 ] || return 1
	run_scaling || return 1
	run_memory || return 1
	note "results are in $out, as are these pictures of them:"
	mapfile -t files < <(compgen -G "$out/fastmem-*.json")
	"$python" "$ROOT/devtools/plot-bench.py" --out "$out" "$out/fastmem.json" \
		${files[@]:+"${files[@]}"} >&2 || return 1
	return "$result"
}

# One build after another, and a line for each.
judge_builds() {
	local compiler library result worst=0
	local lines=() line

	for compiler in gcc clang; do
		for library in static shared; do
			line="$compiler $library"
			BUILD=$ROOT/build-targets-$compiler-$library
			echo "== $line"
			result=0
			if CC=$compiler build_tree "$BUILD" -Ddefault_library=$library -Dtests=false; then
				run_targets "$json" >"$work/targets.out" || result=$?
				cat "$work/targets.out"
				line+=": $(sed -n 's/^targets: //p' "$work/targets.out" | tail -n 1)"
			else
				result=1
				line+=": the build failed"
			fi
			[ "$result" -eq 0 ] || [ "$worst" -eq 1 ] || worst=$result
			lines+=("$line")
		done
	done
	echo
	printf '%s\n' "${lines[@]}"
	return "$worst"
}

$targets || install_allocators

work=$(mktemp -d)
trap 'rm -rf "$work"; eal_remove_files' EXIT
json=${json:-$work/targets.json}

if $oversubscribed; then
	# first, so that the user's own follow and hold
	args=(--rounds 15 --duration 10 --sizes "64,1024" ${args[@]:+"${args[@]}"})
fi
if $targets; then
	file=$ROOT/$APP/targets.ini
	! $oversubscribed || file=$ROOT/$APP/targets-oversubscribed.ini
	args+=(--targets "$file")
fi

if $all_builds; then
	have clang || apt_install "this needs both compilers" clang
	have gcc || apt_install "this needs both compilers" gcc
	judge_builds
elif [ -n "$dpdk" ]; then
	build_in_dpdk || die "the build failed"
	run
else
	build_tree "$BUILD" || die "the build failed"
	run
fi
