# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors
# shellcheck shell=bash

# Functions shared by the scripts of this folder; to be sourced.

# one order of names and one form of numbers and messages, everywhere
export LC_ALL=C.UTF-8

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by the scripts
BUILD=$ROOT/build
# copies of DPDK source trees, and what is built there
DPDK_CACHE=$ROOT/build-import
HUGE_2M=/sys/kernel/mm/hugepages/hugepages-2048kB

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

note() {
	echo "-- $*" >&2
}

have() {
	command -v "$1" >/dev/null 2>&1
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

# The usage text is the comment at the top of the calling script,
# between the lines "# Usage:" and the first line that is no comment.
usage() {
	sed -n '/^# Usage:/,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"
}

# Print the usage text and, if the program is built, its help from the line on
# which an option stands, and end.
# help_and_exit PROGRAM OPTION
help_and_exit() {
	usage
	if [ -x "$1" ]; then
		"$1" --no-huge -m 64 --no-pci --no-shconf --log-level=1 -- --help |
			sed -n "/$2/,\$p"
	fi
	exit 0
}

# Run apt-get, one script at a time: it does not wait for others by itself.
apt_get() {
	flock -o "$ROOT/devtools/common.sh" apt-get "$@"
}

# Install Debian packages, or say what is missing and give up.
# apt_install REASON PACKAGE...
apt_install() {
	local reason=$1
	shift

	if ! have apt-get; then
		die "$reason: this needs what Debian has in the packages: $*"
	fi
	if ! is_root; then
		die "$reason: as root, run 'apt-get update && apt-get install $*' first"
	fi
	note "$reason: installing $*"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt_get install -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1; then
		apt_get update -q </dev/null >/dev/null ||
			die "apt-get update failed"
		apt_get install -q -y --no-install-recommends "$@" </dev/null >&2 ||
			die "apt-get install failed"
	fi
}

# Install whatever the build is missing.
need_build_tools() {
	local missing=()

	have "${CC:-cc}" || missing+=(gcc libc6-dev)
	have meson || missing+=(meson)
	have ninja || missing+=(ninja-build)
	have pkg-config || missing+=(pkg-config)
	have python3 || missing+=(python3)
	if ! have pkg-config || ! pkg-config --atleast-version=22.11 libdpdk; then
		missing+=(libdpdk-dev)
	fi
	if ! have pkg-config || ! pkg-config --exists jansson; then
		missing+=(libjansson-dev)
	fi
	if [ ${#missing[@]} -gt 0 ]; then
		apt_install "the build lacks something" "${missing[@]}"
	fi
	pkg-config --atleast-version=22.11 libdpdk ||
		die "DPDK 22.11 or later is needed, and pkg-config finds $(
			pkg-config --modversion libdpdk 2>/dev/null || echo none)"
}

# Configure, once or when the compiler or the options differ, and build.
# build_tree FOLDER [MESON_OPTION...]
build_tree() {
	local dir=$1
	local stamp=$dir/.options
	local wipe=() options log
	shift

	options="${CC:-cc} $*"
	log=$(mktemp)
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$options" ]; then
		[ ! -f "$dir/build.ninja" ] || wipe=(--wipe)
		note "configuring $dir"
		if ! meson setup "${wipe[@]}" "$@" "$dir" "$ROOT" </dev/null >"$log" 2>&1; then
			cat "$log" >&2
			rm -f "$log"
			return 1
		fi
		echo "$options" >"$stamp"
	fi
	note "building $dir"
	if ! ninja -C "$dir" </dev/null >"$log" 2>&1; then
		grep -v '^\[[0-9]*/[0-9]*\]' "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# For scripts whose only options are --build DIR and --help: what is to be tested,
# in the variable "build". Without the option it is the usual build, which is made.
# take_build OPTION...
take_build() {
	build=
	while [ $# -gt 0 ]; do
		case $1 in
		--build)
			[ $# -ge 2 ] || die "$1 needs a value"
			build=$(cd "$2" && pwd) || exit 1
			shift
			;;
		-h | --help)
			usage
			exit 0
			;;
		*) die "unexpected argument '$1', see --help" ;;
		esac
		shift
	done
	[ -z "$build" ] || return 0
	build=$BUILD
	need_build_tools
	build_tree "$build" || die "the build failed"
}

# Run a build step, and show what it says if it fails: quietly LOG COMMAND...
quietly() {
	local file=$1
	shift

	"$@" </dev/null >"$file" 2>&1 || {
		grep -v '^\[[0-9]*/[0-9]*\]' "$file" | tail -n 100 >&2
		return 1
	}
}

# A copy of a DPDK source tree, to import into: not in the folder of the user's.
# Prints where it is; an earlier one is used again.
dpdk_copy() {
	local tree=$1 work

	work=$DPDK_CACHE/$(echo "$tree" | tr -c 'A-Za-z0-9.\n' _)
	if [ ! -d "$work" ]; then
		mkdir -p "$DPDK_CACHE" || return 1
		# complete, or not there at all
		cp -a "$tree" "$work.new" && mv "$work.new" "$work" || return 1
	fi
	echo "$work"
}

# A Python that has a module, in the variable "python": Debian's packages are for
# Debian's own, which need not be the first one in the PATH.
# need_python_module REASON MODULE PACKAGE
need_python_module() {
	for python in python3 /usr/bin/python3; do
		! "$python" -c "import $2" 2>/dev/null || return 0
	done
	apt_install "$1" "$3"
	"$python" -c "import $2" || die "$python does not find $2, which the package $3 has"
}

# DPDK's build asks the first python3 in the PATH for elftools.
need_dpdk_build_tools() {
	if ! python3 -c 'import elftools' 2>/dev/null; then
		if [ -x /usr/bin/python3 ]; then
			/usr/bin/python3 -c 'import elftools' 2>/dev/null ||
				apt_install "DPDK's build lacks something" python3-pyelftools
			PATH=/usr/bin:$PATH
		else
			apt_install "DPDK's build lacks something" python3-pyelftools
		fi
	fi
	if ! pkg-config --exists numa; then
		apt_install "DPDK's build lacks something" libnuma-dev
	fi
}

# Whether the installed DPDK has the driver of pcap files.
have_pcap_driver() {
	compgen -G "$(pkg-config --variable=libdir libdpdk)/dpdk/pmds-*/librte_net_pcap.so*" >/dev/null ||
		pkg-config --libs libdpdk | grep -q librte_net_pcap
}

# Debian has it in a package whose name ends in the version of the ABI.
need_pcap_driver() {
	local package

	have_pcap_driver && return
	package=$(apt-cache search --names-only '^librte-net-pcap' 2>/dev/null |
		awk '{ print $1; exit }') || true
	apt_install "the example reads pcap files" "${package:-librte-net-pcap}"
	have_pcap_driver || die "the installed DPDK has no net_pcap driver"
}

# The CPUs that we may run on.
cpus() {
	local list first last range

	list=$(awk '$1 == "Cpus_allowed_list:" { print $2 }' /proc/self/status)
	for range in ${list//,/ }; do
		first=${range%-*}
		last=${range#*-}
		seq "$first" "$last"
	done
}

# EAL's argument for N lcores on the first two CPUs, by turns.
lcores_arg() {
	local n=$1 i arg=
	local -a cpu

	mapfile -t cpu < <(cpus | head -n 2)
	for ((i = 0; i < n; i++)); do
		arg+="${arg:+,}$i@${cpu[i % ${#cpu[@]}]}"
	done
	echo "--lcores=$arg"
}

# MiB in free hugepages, of any size.
free_hugepage_mib() {
	local sum=0 dir size free

	for dir in /sys/kernel/mm/hugepages/hugepages-*kB; do
		[ -r "$dir/free_hugepages" ] || continue
		size=${dir##*-}
		size=${size%kB}
		free=$(cat "$dir/free_hugepages")
		sum=$((sum + free * size / 1024))
	done
	echo $sum
}

# The folder where EAL would put its hugepage files, if we may write there.
hugetlbfs_mount() {
	local where

	while read -r _ where _; do
		if [ -w "$where" ]; then
			echo "$where"
			return 0
		fi
	done < <(grep ' hugetlbfs ' /proc/mounts)
	return 1
}

# Whether EAL can use at least this many MiB in hugepages.
hugepages_usable() {
	[ "$(free_hugepage_mib)" -ge "$1" ] && hugetlbfs_mount >/dev/null
}

# Why hugepages_usable() said no, for the user.
hugepages_hint() {
	local mib

	mib=$(free_hugepage_mib)
	if [ "$mib" -lt "$1" ]; then
		echo "$mib MiB in free hugepages, $1 MiB wanted: 'devtools/$(basename "$0")" \
			"--hugepages 1024' as root sets 1024 pages of 2 MiB"
	else
		echo "no hugetlbfs to write to: run as root"
	fi
}

# Set the number of 2 MiB hugepages. They stay until the next boot.
set_hugepages() {
	local wanted=$1 got

	[[ $wanted =~ ^[0-9]+$ ]] || die "--hugepages: '$wanted' is not a number"
	is_root || die "--hugepages: only root can set hugepages"
	[ -w "$HUGE_2M/nr_hugepages" ] || die "--hugepages: the kernel has none of 2 MiB"
	echo "$wanted" >"$HUGE_2M/nr_hugepages" || true
	got=$(cat "$HUGE_2M/nr_hugepages")
	note "hugepages of 2 MiB: $got, and they stay when this script ends"
	if [ "$got" -lt "$wanted" ]; then
		note "the kernel did not find memory for all of the $wanted"
	fi
	if ! grep -q ' hugetlbfs ' /proc/mounts; then
		mkdir -p /dev/hugepages
		mount -t hugetlbfs none /dev/hugepages || note "no hugetlbfs could be mounted"
	fi
}

# EAL's arguments of every run: files of its own, no device.
# They go to the array named by the first argument.
eal_base_args() {
	local -n eal_args=$1

	# shellcheck disable=SC2034 # the caller's
	eal_args=("--file-prefix=fastmem$$" --no-pci --no-telemetry)
}

# Remove what EAL leaves: a program that has ended still holds its hugepages
# by their files until another one starts with the same prefix. A test starts
# programs with prefixes of their own, which begin with that and a hyphen.
eal_remove_files() {
	local where

	if where=$(hugetlbfs_mount); then
		rm -f "$where/fastmem$$"map_* "$where/fastmem$$-"*map_*
	fi
	# the first one is root's, and not even to be looked into by others
	if is_root; then
		rm -rf "/var/run/dpdk/fastmem$$" "/var/run/dpdk/fastmem$$-"*
	fi
	where=${XDG_RUNTIME_DIR:-/tmp}/dpdk
	rm -rf "$where/fastmem$$" "$where/fastmem$$-"*
}

# What the registered tests are called: list_tests SUITE, with SUITE one of
# FAST, PERF and STRESS. Prints "NAME NOHUGE ASAN" for FAST, "NAME" otherwise.
list_tests() {
	sed -n "s/^REGISTER_$1_TEST( *\([a-z0-9_]*\) *,\(.*\)).*/\1,\2/p" \
		"$ROOT"/app/test/test_fastmem*.c |
	if [ "$1" = FAST ]; then
		awk -F '[ ,]+' '{ print $1, $2, $3 }'
	else
		awk -F '[ ,]+' '{ print $1 }'
	fi
}

# Seconds for a unit test. Fast ones are to take less than 10, which is what
# DPDK gives them; a busy machine gets some more before it is called a failure.
# shellcheck disable=SC2034 # the scripts use it
FAST_SECONDS=30
# shellcheck disable=SC2034 # the same
STRESS_SECONDS=120

# The counts of a run of several steps, each with one line: ok, FAIL or skip.
N_PASSED=0
N_FAILED=0
N_SKIPPED=0

step_ok() {
	N_PASSED=$((N_PASSED + 1))
	echo "ok    $*"
}

step_fail() {
	N_FAILED=$((N_FAILED + 1))
	echo "FAIL  $*"
}

# A step that says itself what is wrong; the last line of what it says goes behind
# the label. It is kept in the file "out" of the folder "tmp".
# step_check LABEL COMMAND...
step_check() {
	local label=$1
	shift

	# shellcheck disable=SC2154 # the scripts set it
	if "$@" </dev/null >"$tmp/out" 2>&1; then
		step_ok "$label$(tail -n 1 "$tmp/out" | sed '/./s/^/: /')"
	else
		step_fail "$label"
		tail -n 40 "$tmp/out" | sed 's/^/    /'
	fi
}

step_skip() {
	N_SKIPPED=$((N_SKIPPED + 1))
	echo "skip  $*"
}

# Why a test, or some of its cases, was skipped, by its own words: a line that
# ends in "skipped".
skip_reason() {
	local reasons

	reasons=$(grep -iE 'skip' "$1" |
		grep -vE '^ \+ |^Test Skipped|^[0-9]+ passed|^Running' |
		sed 's/,* *skipp[a-z]*\.*$//' | sort -u | paste -s -d ';' | sed 's/;/; /g')
	echo "${reasons:-the test says no reason}"
}

# What the output of a test says of its skipped cases.
skipped_cases() {
	local n

	n=$(grep -c '^ + TestCase .* skipped$' "$1" || true)
	[ "$n" -eq 0 ] || echo "; cases skipped: $n, $(skip_reason "$1")"
}

# A unit test has run: step_test LABEL STATUS TOOK SECONDS OUTPUT_FILE, with the
# seconds that it took, and those after which it was ended by timeout.
step_test() {
	local label=$1 status=$2 took=$3 seconds=$4 out=$5

	case $status in
	0)
		step_ok "$label ($took s$(skipped_cases "$out"))"
		;;
	77)
		step_skip "$label: $(skip_reason "$out")"
		;;
	124 | 137)
		step_fail "$label: not done after $seconds s"
		tail -n 40 "$out" | sed 's/^/    /'
		;;
	*)
		step_fail "$label: exit status $status"
		# what failed may be far above the end
		grep -E 'assert|line [0-9]+|^ \+ TestCase .* failed$|ERROR|runtime error' \
			"$out" | head -n 40 | sed 's/^/    /'
		tail -n 10 "$out" | sed 's/^/    /'
		;;
	esac
}

# The closing line; the result is that of the whole run.
step_summary() {
	echo "$N_PASSED passed, $N_FAILED failed, $N_SKIPPED skipped"
	[ "$N_FAILED" -eq 0 ]
}

# Whether EAL would load a plug-in from a folder: it refuses to if everybody may
# write there, or above.
plugins_trusted() {
	local dir=$1

	while :; do
		[ -z "$(find "$dir" -maxdepth 0 -perm -o=w)" ] || return 1
		[ "$dir" != / ] || return 0
		dir=$(dirname "$dir")
	done
}

# A folder with the drivers of a build from which EAL loads them, in the variable
# "plugins": that of the build, or a copy elsewhere, of the libraries as well, which
# drivers find by their place. plugin_dir BUILD
PLUGIN_COPY=
plugin_dir() {
	local dir

	plugins=$(realpath "$1/drivers")
	! plugins_trusted "$plugins" || return 0
	for dir in "${XDG_RUNTIME_DIR:-/run}" "$HOME" /opt; do
		if [ -w "$dir" ] && plugins_trusted "$dir"; then
			PLUGIN_COPY=$(mktemp -d "$dir/fastmem.XXXXXX")
			mkdir "$PLUGIN_COPY/drivers" "$PLUGIN_COPY/lib"
			cp -P "$plugins"/librte_*.so "$plugins"/librte_*.so.*[0-9] \
				"$PLUGIN_COPY/drivers"
			cp -P "$1"/lib/librte_*.so "$1"/lib/librte_*.so.*[0-9] "$PLUGIN_COPY/lib"
			plugins=$PLUGIN_COPY/drivers
			return 0
		fi
	done
	return 1
}

plugin_remove() {
	[ -z "$PLUGIN_COPY" ] || rm -rf "$PLUGIN_COPY"
	PLUGIN_COPY=
}
