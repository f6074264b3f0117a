#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

# Usage: devtools/test-driver.sh [OPTION...]
#
# Load the mempool driver into the programs of the installed DPDK, which know
# nothing of it: its unit tests of mempools and mbufs have to pass with it, and
# testpmd has to forward packets and get all of its mbufs back. What is missing
# is installed (as root).
#
#   --build DIR   test what is built in DIR rather than to build first
#   --packets N   forward at least N packets (default: 1000000)
#   --help        show this text

set -eu
# shellcheck source=devtools/common.sh
. "$(dirname "$0")/common.sh"

N_MBUFS=20000
HUGE_MIB=256
TEST_SECONDS=120
FORWARD_SECONDS=120

packets=1000000
build=

while [ $# -gt 0 ]; do
	case $1 in
	--build | --packets)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--build) build=$(cd "$2" && pwd) || exit 1 ;;
		--packets)
			[[ $2 =~ ^[0-9]+$ ]] || die "--packets: '$2' is not a number"
			packets=$2
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

tmp=$(mktemp -d)
plugins=
program=
trap 'end_testpmd; rm -rf "$tmp"; plugin_remove; eal_remove_files' EXIT

# After a failure only: it ends by itself.
end_testpmd() {
	[ -z "$program" ] || kill "$program" 2>/dev/null || true
	program=
}

if [ -z "$build" ]; then
	build=$BUILD
	need_build_tools
	build_tree "$build" || die "the build failed"
fi
if ! have dpdk-test || ! have dpdk-testpmd; then
	apt_install "these are tests of the distribution's programs" dpdk
fi

plugin_dir "$build" || die "no folder from which EAL would load a plug-in"
driver=$plugins/librte_mempool_fastmem.so
eal_base_args eal
eal+=(--mbuf-pool-ops-name=fastmem "$(lcores_arg 2)")
if hugepages_usable "$HUGE_MIB"; then
	note "running on hugepages"
else
	note "running without hugepages: $(hugepages_hint "$HUGE_MIB")"
	eal+=(--no-huge -m 512)
fi

# DPDK's own unit test: unit_test NAME.
unit_test() {
	local name=$1 result=0

	DPDK_TEST=$name timeout -k 5 "$TEST_SECONDS" dpdk-test "${eal[@]}" -d "$driver" \
		</dev/null >"$tmp/out" 2>&1 || result=$?
	if [ "$result" -eq 0 ] && grep -q 'Test OK' "$tmp/out"; then
		step_ok "dpdk-test $name"
	else
		step_fail "dpdk-test $name: exit status $result"
		tail -n 20 "$tmp/out" | sed 's/^/    /'
	fi
}

# The same test fails if the driver is not there, or else it would be one that
# does not use it.
unit_test_without() {
	local name=$1 result=0

	DPDK_TEST=$name timeout -k 5 "$TEST_SECONDS" dpdk-test "${eal[@]}" \
		</dev/null >"$tmp/out" 2>&1 || result=$?
	if [ "$result" -ne 0 ] && [ "$result" -ne 124 ]; then
		step_ok "dpdk-test $name fails without the driver"
	else
		step_fail "dpdk-test $name without the driver: exit status $result"
	fi
}

# Tell testpmd something, and wait until it has done that.
command_testpmd() {
	local mark="unknown_command_$((++n_commands))" deadline=$((SECONDS + FORWARD_SECONDS))

	printf '%s\n%s\n' "$1" "$mark" >&3
	# it complains about the second one when it is done with the first
	while ! grep -q "$mark" "$tmp/out"; do
		kill -0 "$program" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# The packets that testpmd has received, on all ports together.
received() {
	command_testpmd "show port stats all" || return 1
	sed -n 's/.*RX-packets: \([0-9]*\).*/\1/p' "$tmp/out" | tail -n 2 |
		awk '{ sum += $1 } END { print sum + 0 }' >"$tmp/received"
}

# The mbufs in the pool and in its caches.
free_mbufs() {
	command_testpmd "dump_mempool mb_pool_0" || return 1
	awk '/^mempool </ { n = 0 }
		/^ *(common_pool_count|total_cache_count)=/ { sub(/.*=/, ""); n += $0 }
		END { print n + 0 }' "$tmp/out" >"$tmp/free"
}

run_testpmd() {
	local deadline

	: >"$tmp/received"
	: >"$tmp/free"
	command_testpmd "$1" || return 1
	deadline=$((SECONDS + FORWARD_SECONDS))
	while received && [ "$(cat "$tmp/received")" -lt "$packets" ]; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
	command_testpmd stop || return 1
	# what is in the ports' rings still is received and freed
	command_testpmd "set fwd rxonly" || return 1
	deadline=$((SECONDS + 20))
	while :; do
		command_testpmd start || return 1
		sleep 0.3
		command_testpmd stop || return 1
		free_mbufs || return 1
		[ "$(cat "$tmp/free")" -lt "$N_MBUFS" ] || break
		[ "$SECONDS" -lt "$deadline" ] || break
	done
	echo quit >&3
	wait "$program" || return 1
	program=
	[ "$(cat "$tmp/received")" -ge "$packets" ] &&
		[ "$(cat "$tmp/free")" -eq "$N_MBUFS" ]
}

# Forward packets from port to port: forward KIND HOW_TO_START.
forward() {
	local kind=$1 start=$2 vdev=net_$1

	n_commands=0
	rm -f "$tmp/commands"
	mkfifo "$tmp/commands"
	# what it prints and what it echoes have to come in order
	timeout -k 5 $((4 * FORWARD_SECONDS)) stdbuf -oL dpdk-testpmd "${eal[@]}" -d "$driver" \
		--vdev="${vdev}0" --vdev="${vdev}1" -- --interactive \
		--total-num-mbufs="$N_MBUFS" --mbcache=250 --no-flush-rx \
		<"$tmp/commands" >"$tmp/out" 2>&1 &
	program=$!
	exec 3>"$tmp/commands"
	if run_testpmd "$start"; then
		step_ok "dpdk-testpmd forwards $(cat "$tmp/received") packets between $kind ports," \
			"$(cat "$tmp/free") of $N_MBUFS mbufs are back"
	else
		step_fail "dpdk-testpmd with $kind ports: $(cat "$tmp/received") packets," \
			"$(cat "$tmp/free") of $N_MBUFS mbufs are back"
		tail -n 30 "$tmp/out" | sed 's/^/    /'
		end_testpmd
	fi
	exec 3>&-
}

unit_test mempool_autotest
unit_test mbuf_autotest
unit_test_without mempool_autotest
forward null start
forward ring "start tx_first 32"

step_summary
