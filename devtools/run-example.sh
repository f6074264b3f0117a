#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/run-example.sh [OPTION...] [EXAMPLE OPTION...]
#
# Build examples/fastmem beside the installed DPDK, make pcap files with flows
# of several kinds, and run the example on them with each of the allocators, with
# one worker lcore and with two. Packages that are missing are installed (as
# root). The exit status is 1 if anything was lost, or if the allocators did not
# do the same.
#
#   --hugepages N  set N hugepages of 2 MiB first (as root); they stay set
#   --no-huge      run without hugepages, even if there are any
#   --workers N    run with 1 or 2 workers alone
#   --passes N     replay the files so often (200)
#   --help         show this text and the options of the example
#
# All other options are those of the example, for instance
#   devtools/run-example.sh --allocator fastmem --max-flows 65536

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

# What two workers take, mempools for the most flows being the most of it.
HUGE_MIB=512
NO_HUGE_MIB=512

# What the files have, and what they are run with unless told otherwise.
FILE_PACKETS=12000
DEFAULTS=(--rounds 3 --tick 4096)

program=$BUILD/examples/dpdk-fastmem
help=false
no_huge=false
passes=200
workers=(1 2)
args=()

while [ $# -gt 0 ]; do
	case $1 in
	--hugepages | --workers | --passes)
		[ $# -ge 2 ] || die "$1 needs a value"
		[[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1: '$2' is not a number"
		case $1 in
		--hugepages) hugepages=$2 ;;
		--workers)
			[ "$2" -le 2 ] || die "--workers: 1 or 2"
			workers=("$2")
			;;
		--passes) passes=$2 ;;
		esac
		shift
		;;
	--no-huge) no_huge=true ;;
	-h | --help) help=true ;;
	*) args+=("$1") ;;
	esac
	shift
done

! $help || help_and_exit "$program" --allocator
[ -z "${hugepages:-}" ] || set_hugepages "$hugepages"

need_build_tools
need_pcap_driver
build_tree "$BUILD" || die "the build failed"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; eal_remove_files' EXIT

for n in 1 2; do
	"$ROOT/examples/fastmem/make-pcap.py" --seed "$n" --packets "$FILE_PACKETS" \
		"$tmp/$n.pcap" || die "no pcap file could be made"
done

eal_base_args eal
if ! $no_huge && hugepages_usable "$HUGE_MIB"; then
	note "running on hugepages"
else
	note "running without hugepages, which slows every allocator down"
	$no_huge || note "$(hugepages_hint "$HUGE_MIB")"
	eal+=(--no-huge -m "$NO_HUGE_MIB")
fi

# The main lcore has little to do: it may share a CPU with the last worker.
worker_lcores() {
	local n=$1 i arg

	mapfile -t cpu < <(cpus)
	arg="0@${cpu[0]}"
	for ((i = 1; i <= n; i++)); do
		arg+=",$i@${cpu[i % ${#cpu[@]}]}"
	done
	echo "--lcores=$arg"
}

# What a run says of the packets and flows of each allocator, but for what
# depends on time: it must be the same.
check_same_work() {
	awk '/^(fastmem|mempool|malloc): [0-9]+ packets/ {
			name = $1
			sub(/^[a-z]*: /, "")
			n++
		}
		n > 0 && /^$/ { exit }
		n > 0 && !/exported/ { work[n] = work[n] $0 "\n" }
		END {
			for (i = 2; i <= n; i++)
				if (work[i] != work[1])
					exit 1
			exit n == 0
		}' "$1"
}

for n in "${workers[@]}"; do
	result=0
	vdevs=()
	for ((i = 0; i < n; i++)); do
		vdevs+=(--vdev "net_pcap$i,rx_pcap=$tmp/$((i + 1)).pcap,infinite_rx=1")
	done
	echo "== workers: $n"
	"$program" "${eal[@]}" --log-level=warning "$(worker_lcores "$n")" "${vdevs[@]}" -- \
		--packets $((passes * FILE_PACKETS)) --replay "$FILE_PACKETS" \
		"${DEFAULTS[@]}" ${args[@]:+"${args[@]}"} >"$tmp/out" || result=1
	cat "$tmp/out"
	# the next run's hugepages
	eal_remove_files
	[ "$result" -eq 0 ] || exit 1
	! grep -q '^stopped by a signal$' "$tmp/out" || exit 130
	if ! check_same_work "$tmp/out"; then
		echo "the allocators did not do the same"
		exit 1
	fi
done
echo
echo "all of them saw the same packets and flows, and lost nothing"
