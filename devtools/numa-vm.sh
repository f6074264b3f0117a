#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/numa-vm.sh [OPTION...] [TEST...]
#
# Run the unit tests on a machine with several NUMA nodes: a guest under QEMU,
# with KVM where that works, emulated otherwise. Packages that this lacks are
# installed (as root), but for the guest's kernel, which is only unpacked in
# build-numa/. The tests are built for any x86 CPU of the last decade.
#
# The nodes have CPUs, memory and hugepages each; then again one of them lacks
# hugepages, memory or CPUs. With names of unit tests, run just these, on nodes
# that have everything unless --ways says otherwise.
#
#   --nodes N      the number of nodes (default 2)
#   --cpus N       the number of CPUs, dealt out to the nodes (default 4, or
#                  one for each node)
#   --iova MODE    IO addresses: va, pa or both (default both)
#   --pages N      hugepages of 2 MiB on each node (default 256)
#   --short        where the guest is emulated, the most important tests only:
#                  those which depend most on where memory comes from in one
#                  way, the NUMA suite in some others
#   --ways REGEX   only the ways to run tests that match, see --list
#   --seconds N    the time of each suite that goes by time, about (default 4)
#   --emulate      do not even try KVM
#   --kernel FILE  the guest's kernel, rather than Debian's
#   --timeout N    give up a guest after N seconds (default 3600)
#   --keep         keep the guests' output in build-numa/
#   --list         list what would be run
#   --help         show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

CACHE=$ROOT/build-numa
MARK=@numa-vm@
NUMA_SUITE=fastmem_numa_autotest

# Seconds to boot with KVM. One that is emulated itself may not get there.
KVM_SECONDS=10

# How much longer tests may take where each instruction is emulated.
EMULATION_SLOW=8

# MiB of a node beside its hugepages: the first one holds kernel and programs.
NODE_MIB=256

# What DPDK's suites need at least to run under emulation, x86-64-v2, is also
# what the distribution's DPDK is built for. Newer models are slower: their
# string instructions clear hugepages byte by byte.
EMULATED_CPU=Nehalem

n_nodes=2
n_cpus=
iova=both
pages=256
short=false
list=false
keep=false
emulate=false
kernel=
ways=
limit=3600
seconds=${FASTMEM_TEST_SECONDS:-}
names=()

# The same for each node: repeat N VALUE
repeat() {
	local i list=

	for ((i = 0; i < $1; i++)); do
		list+=",$2"
	done
	echo "${list#,}"
}

iova_modes() {
	case $iova in
	both) echo va pa ;;
	*) echo "$iova" ;;
	esac
}

all_tests() {
	{ list_tests FAST; list_tests STRESS; } | awk '{ print $1 }'
}

# The machines to boot: node numbers are 0 to n_nodes - 1.
machines() {
	echo plain
	if ! $short; then
		echo node-without-memory
		echo node-without-CPUs
	fi
}

# One line for each test: run LABEL PAGES EAL_ARGS TEST...
run() {
	local label=$1 run_pages=$2 args=$3 name time
	shift 3

	[[ $label =~ $ways ]] || return 0
	[ ${#names[@]} -eq 0 ] || set -- "${names[@]}"
	for name in "$@"; do
		time=$FAST_SECONDS
		if list_tests STRESS | grep -qx "$name"; then
			time=$STRESS_SECONDS
		fi
		echo "$label|$run_pages|$((time * slow))|$name|$args"
	done
}

# What runs on a machine, with all nodes' hugepages set before each test.
runs() {
	local machine=$1 mode full last_none first_none
	local -a tests some legacy=("$NUMA_SUITE")
	local first=true

	mapfile -t tests < <(all_tests)
	# those that depend most on where memory comes from
	some=("$NUMA_SUITE" fastmem_autotest fastmem_stats_autotest
		fastmem_threads_autotest fastmem_stress_autotest)
	full=$(repeat "$n_nodes" "$pages")
	last_none=$(repeat $((n_nodes - 1)) "$pages"),0
	first_none=0,$(repeat $((n_nodes - 1)) "$pages")
	case $machine in
	plain)
		if $short; then
			tests=("$NUMA_SUITE" fastmem_mp_autotest fastmem_threads_autotest
				fastmem_stress_autotest)
		else
			legacy+=(fastmem_oom_autotest)
		fi
		for mode in $(iova_modes); do
			if $short && ! $first; then
				tests=("$NUMA_SUITE")
			fi
			run "IOVA-${mode^^}" "$full" "--iova-mode=$mode" "${tests[@]}"
			first=false
		done
		for mode in $(iova_modes); do
			run "legacy-mem,IOVA-${mode^^}" "$full" \
				"--legacy-mem --socket-mem $(repeat "$n_nodes" 192) --iova-mode=$mode" \
				"${legacy[@]}"
			! $short || break
		done
		if $short; then
			run "last node without hugepages" "$last_none" "" "$NUMA_SUITE"
			return
		fi
		for mode in $(iova_modes); do
			run "socket-mem,IOVA-${mode^^}" "$full" \
				"--socket-mem $(repeat "$n_nodes" 64) --iova-mode=$mode" \
				"$NUMA_SUITE"
		done
		run "socket-limit" "$full" \
			"--socket-limit $(repeat "$n_nodes" 128)" "$NUMA_SUITE"
		run "single-file-segments" "$full" "--single-file-segments" "$NUMA_SUITE"
		run "in-memory" "$full" "--in-memory" "$NUMA_SUITE" fastmem_threads_autotest
		run "no-huge" "$full" "--no-huge -m 128" "$NUMA_SUITE"
		run "lcore of the last node alone" "$full" "-l $((n_cpus - 1))" \
			"$NUMA_SUITE" fastmem_autotest
		run "last node without hugepages" "$last_none" "" "${some[@]}"
		run "first node without hugepages" "$first_none" "" "${some[@]}"
		;;
	node-without-memory)
		for mode in $(iova_modes); do
			run "node without memory,IOVA-${mode^^}" "$last_none" \
				"--iova-mode=$mode" "${some[@]}"
			some=("$NUMA_SUITE")
		done
		;;
	node-without-CPUs)
		run "node without CPUs" "$full" "" "$NUMA_SUITE" fastmem_autotest
		;;
	esac
}

# The guest's nodes as QEMU's arguments, in the array named first.
node_args() {
	local -n node_args_out=$1
	local machine=$2 node first=0 last cpu_nodes=$n_nodes mem=$((pages * 2 + NODE_MIB))
	local total=0 arg

	[ "$machine" != node-without-CPUs ] || cpu_nodes=$((n_nodes - 1))
	node_args_out=()
	for ((node = 0; node < n_nodes; node++)); do
		arg=node,nodeid=$node
		if [ "$node" -lt "$cpu_nodes" ]; then
			last=$((n_cpus * (node + 1) / cpu_nodes - 1))
			arg+=,cpus=$first-$last
			first=$((last + 1))
		fi
		if [ "$machine" != node-without-memory ] || [ "$node" -lt $((n_nodes - 1)) ]; then
			node_args_out+=(-object "memory-backend-ram,id=mem$node,size=${mem}M")
			arg+=,memdev=mem$node
			total=$((total + mem))
		fi
		node_args_out+=(-numa "$arg")
	done
	node_args_out+=(-m "${total}M" -smp "$n_cpus")
}

# Boot a guest, and wait for its end: boot ACCELERATOR MACHINE SECONDS INITRD.
# What it says on its serial ports is in the files console and results.
boot() {
	local accelerator=$1 machine=$2 time=$3 initrd=$4
	local -a nodes cpu
	local append="console=ttyS0 quiet init_on_alloc=0 mitigations=off panic=-1"

	node_args nodes "$machine"
	case $accelerator in
	KVM) cpu=(-accel kvm -cpu host) ;;
	*) cpu=(-accel "tcg,thread=multi" -cpu "$EMULATED_CPU") ;;
	esac
	rm -f "$tmp/console" "$tmp/results"
	# What the kernel does not know goes to the environment of its first process.
	# QEMU may hang without having started the guest, and ignore SIGTERM then.
	# Its exit status tells nothing of the guest.
	(
		ulimit -c 0
		SECONDS=0
		timeout -k 5 "$time" qemu-system-x86_64 "${cpu[@]}" "${nodes[@]}" \
			-display none -vga none -monitor none -nic none -no-reboot \
			-serial "file:$tmp/console" -serial "file:$tmp/results" \
			-kernel "$kernel" -initrd "$initrd" \
			-append "$append${seconds:+ FASTMEM_TEST_SECONDS=$seconds}" ||
			echo "QEMU has ended with exit status $?, after $SECONDS s of $time"
	) </dev/null >"$tmp/qemu" 2>&1
	[ -f "$tmp/results" ] || : >"$tmp/results"
	if $keep; then
		cp "$tmp/results" "$CACHE/results.$n_nodes.$machine"
		cp "$tmp/console" "$CACHE/console.$n_nodes.$machine" 2>/dev/null || true
	fi
	grep -q "^$MARK up" "$tmp/results"
}

# Find out which accelerator works; sets accelerator, why_not_kvm, slow, and
# short to false if there is no need for it.
find_accelerator() {
	accelerator=KVM
	slow=1
	if $emulate; then
		why_not_kvm="as asked for"
	elif [ ! -w /dev/kvm ]; then
		why_not_kvm="no access to /dev/kvm"
	elif boot KVM plain "$KVM_SECONDS" "$CACHE/initrd"; then
		short=false
		return
	else
		why_not_kvm="no guest boots with this machine's /dev/kvm"
	fi
	accelerator=emulation
	slow=$EMULATION_SLOW
}

# The library's and the program's files for the guest, and its first process.
make_initrd() {
	local program=$CACHE/tests/app/dpdk-test root=$CACHE/root
	local libs lib folder

	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,mnt/huge,proc,run,sys,tmp,var}
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$ROOT/devtools/numa-vm-init.sh" "$root/init"
	cp "$program" "$root/bin/"
	# libgcc_s is loaded when a thread is cancelled
	libs=$(ldd "$program" | grep -oE '/[^ ]+' | grep -v "^$CACHE" | sort -u
		${CC:-cc} -print-file-name=libgcc_s.so.1)
	for lib in $libs; do
		[ -f "$lib" ] || die "the test program needs $lib, which is not there"
		folder=$root/$(dirname "$lib")
		mkdir -p "$folder"
		cp -L "$lib" "$folder/"
	done
	# EAL loads a mempool's driver by itself when it is there
	# shellcheck disable=SC2046 # flags
	folder=$("${CC:-cc}" $(pkg-config --cflags libdpdk) -include rte_config.h -E -dM -x c /dev/null |
		sed -n 's/^#define RTE_EAL_PMD_PATH "\(.*\)"$/\1/p')
	[ -f "$folder/librte_mempool_ring.so" ] ||
		die "DPDK has no driver for mempools in '$folder'"
	mkdir -p "$root/$folder"
	cp -L "$folder/librte_mempool_ring.so" "$root/$folder/"
	chmod +x "$root/init"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$CACHE/initrd"
}

# A kernel's archives of files may follow each other: add the list of runs.
add_runs() {
	mkdir -p "$tmp/runs.d"
	awk -F '|' '{ print $2, $3, $4, $5 }' "$tmp/runs" >"$tmp/runs.d/runs"
	{
		cat "$CACHE/initrd"
		(cd "$tmp/runs.d" && echo runs | cpio --quiet -o -H newc)
	} >"$tmp/initrd"
}

# One file for each run's output, out.N, and its end, end.N.
split_results() {
	rm -f "$tmp"/out.* "$tmp"/end.*
	tr -d '\r' <"$tmp/results" |
		awk -v mark="$MARK" -v dir="$tmp" '
			$1 == mark && $2 == "run" { n++; out = dir "/out." n; printf "" >out; next }
			$1 == mark && $2 == "end" {
				print $3, $4 >(dir "/end." n)
				close(out)
				out = ""
				next
			}
			out != "" { print >out }'
}

# Run all that is to be run on a machine.
run_machine() {
	local machine=$1 label time name n=0 n_lost=0 status took

	runs "$machine" >"$tmp/runs"
	[ -s "$tmp/runs" ] || return 0
	add_runs
	if ! boot "$accelerator" "$machine" "$limit" "$tmp/initrd"; then
		step_fail "$machine: no guest boots with $kind"
		cat "$tmp/qemu" "$tmp/console" 2>/dev/null | tail -n 20 | sed 's/^/    /'
		return
	fi
	split_results
	step_ok "$machine: $kind"
	tr -d '\r' <"$tmp/results" | awk -v mark="$MARK" '$1 == mark && $2 == "node" {
			cpus = NF == 7 ? "CPUs " $5 : "no CPUs"
			printf "    node %d: %s, %d MiB\n", $3, cpus, $NF / 1024
		}'
	while IFS='|' read -r label _ time name _; do
		n=$((n + 1))
		if [ ! -f "$tmp/end.$n" ]; then
			n_lost=$((n_lost + 1))
			[ "$n_lost" -eq 1 ] || continue
			step_fail "$label $name: the guest did not get to its end"
			cat "$tmp/qemu" "$tmp/console" "$tmp/out.$n" 2>/dev/null | tail -n 30 |
				sed 's/^/    /'
			continue
		fi
		read -r status took <"$tmp/end.$n"
		took=$(awk -v t="$took" 'BEGIN { printf "%.1f", t / 100 }')
		step_test "$label $name" "$status" "$took" "$time" "$tmp/out.$n"
	done <"$tmp/runs"
	[ "$n_lost" -le 1 ] || step_fail "$machine: $((n_lost - 1)) more tests were not run"
}

# Debian's kernel for virtual machines: what the newest one's package is called.
kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# Get the kernel, once; sets kernel.
need_kernel() {
	local package

	if [ -n "$kernel" ]; then
		[ -r "$kernel" ] || die "--kernel: cannot read '$kernel'"
		return
	fi
	kernel=$(find "$CACHE" -path "$CACHE/kernel/boot/vmlinuz-*" 2>/dev/null | head -n 1)
	[ -z "$kernel" ] || return 0
	have apt-get ||
		die "this takes the guest's kernel from Debian's packages; name another by --kernel"
	package=$(kernel_package)
	if [ -z "$package" ] && is_root; then
		apt_get update -q </dev/null >/dev/null 2>&1 || die "apt-get update failed"
		package=$(kernel_package)
	fi
	[ -n "$package" ] ||
		die "no package linux-image-cloud-amd64 is known: 'apt-get update' as root" \
			"may help, or --kernel with a kernel of one's own"
	note "downloading $package"
	rm -rf "$CACHE/kernel" "$CACHE/kernel.new"
	mkdir -p "$CACHE/kernel.new"
	(cd "$CACHE/kernel.new" && apt-get download "$package") </dev/null >"$tmp/apt" 2>&1 || {
		cat "$tmp/apt" >&2
		die "cannot download $package"
	}
	# complete, or not there at all
	dpkg-deb -x "$CACHE/kernel.new/"*.deb "$CACHE/kernel.new" ||
		die "cannot unpack $package"
	# no module is needed
	rm -rf "$CACHE/kernel.new/"*.deb "$CACHE/kernel.new/lib"
	mv "$CACHE/kernel.new" "$CACHE/kernel"
	kernel=$(find "$CACHE/kernel/boot" -name 'vmlinuz-*' | head -n 1)
	[ -n "$kernel" ] || die "there is no kernel in $package"
}

need_guest_tools() {
	local missing=()

	have qemu-system-x86_64 || missing+=(qemu-system-x86)
	have busybox || missing+=(busybox-static)
	have cpio || missing+=(cpio)
	if [ ${#missing[@]} -gt 0 ]; then
		apt_install "the guest lacks something" "${missing[@]}"
	fi
	# a guest has no libraries but the test program's
	if ldd "$(command -v busybox)" >/dev/null 2>&1; then
		apt_install "the guest needs a static busybox" busybox-static
	fi
}

while [ $# -gt 0 ]; do
	case $1 in
	--nodes | --cpus | --pages | --timeout | --seconds)
		[[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "$1 needs a number"
		case $1 in
		--nodes) n_nodes=$2 ;;
		--cpus) n_cpus=$2 ;;
		--pages) pages=$2 ;;
		--timeout) limit=$2 ;;
		--seconds) seconds=$2 ;;
		esac
		shift
		;;
	--iova)
		[[ ${2:-} =~ ^(va|pa|both)$ ]] || die "--iova is one of va, pa and both"
		iova=$2
		shift
		;;
	--kernel | --ways)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--kernel) kernel=$2 ;;
		--ways) ways=$2 ;;
		esac
		shift
		;;
	--short) short=true ;;
	--emulate) emulate=true ;;
	--keep) keep=true ;;
	--list) list=true ;;
	-h | --help)
		usage
		exit 0
		;;
	-*) die "unknown option '$1', see --help" ;;
	*)
		all_tests | grep -qx "$1" || die "there is no unit test '$1', see devtools/test.sh --list"
		names+=("$1")
		;;
	esac
	shift
done
[ ${#names[@]} -eq 0 ] || ways=${ways:-^IOVA-}
[ "$n_nodes" -ge 2 ] || die "--nodes: a single one needs no guest"
[ -n "$n_cpus" ] || n_cpus=$((n_nodes > 4 ? n_nodes : 4))
[ "$n_cpus" -ge "$n_nodes" ] || die "--cpus: there has to be one for each node"
[ "$(uname -m)" = x86_64 ] || die "the guest is an x86 one, and this machine is not"

slow=1
if $list; then
	for machine in $(machines); do
		echo "$machine:"
		runs "$machine" | awk -F '|' '{ printf "    %s %s\n", $1, $4 }'
	done
	exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$CACHE"

need_build_tools
need_guest_tools
need_kernel
build_tree "$CACHE/tests" -Dplatform=generic -Dcpu_instruction_set=x86-64-v2 ||
	die "the build failed"
make_initrd
find_accelerator
kind="$n_nodes nodes, $n_cpus CPUs, with KVM"
[ "$accelerator" = KVM ] ||
	kind="$n_nodes nodes, $n_cpus CPUs, emulated$(! $short || echo " with a smaller load"
		) ($why_not_kvm)"
for machine in $(machines); do
	run_machine "$machine"
done

step_summary
