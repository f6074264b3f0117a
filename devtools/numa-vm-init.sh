#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors
# shellcheck shell=dash

# The first process of the guest that devtools/numa-vm.sh boots. It runs the
# tests that are listed in the file /runs, one a line:
#
#   HUGEPAGES_BY_NODE SECONDS TEST EAL_ARGS...
#
# with the hugepages of all nodes as N,N,... On the second serial port it says
# what came of it, in lines that begin with a mark.

MARK="@numa-vm@"
NODES=/sys/devices/system/node
PAGES=hugepages/hugepages-2048kB/nr_hugepages

/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/shm
mount -t tmpfs none /dev/shm
mount -t tmpfs none /tmp
mount -t tmpfs none /run
ln -s /run /var/run
mount -t hugetlbfs none /mnt/huge

exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw

# Set the hugepages of a node; tells how many it has then.
set_node_pages() {
	local file=$NODES/node$1/$PAGES wanted=$2 got=0 try=0

	if [ -e "$file" ]; then
		got=$(cat "$file")
		# those of a process that has ended may not be free at once
		while [ "$got" -ne "$wanted" ] && [ $try -lt 10 ]; do
			[ $try -eq 0 ] || sleep 1
			echo 1 >/proc/sys/vm/compact_memory
			echo "$wanted" >"$file"
			got=$(cat "$file")
			try=$((try + 1))
		done
	fi
	echo "$got"
}

# Give each node its hugepages, and say so if it did not get them.
set_pages() {
	local all=$1 node=0 n got

	for n in $(echo "$all" | tr , ' '); do
		got=$(set_node_pages $node "$n")
		if [ "$got" -ne "$n" ]; then
			echo "node $node has $got hugepages, not $n"
			grep -E 'Mem|Huge' $NODES/node$node/meminfo
			return 1
		fi
		node=$((node + 1))
	done
}

# hundredths of a second since the start
now() {
	cut -d ' ' -f 1 /proc/uptime | tr -d .
}

run() {
	local pages=$1 seconds=$2 name=$3 start status=0
	shift 3

	start=$(now)
	if set_pages "$pages"; then
		DPDK_TEST=$name timeout -s KILL "$seconds" /bin/dpdk-test --no-pci \
			--no-telemetry "$@" >/tmp/out 2>&1 || status=$?
		tail -c 200000 /tmp/out
	else
		status=1
	fi
	# what a test has left behind
	while killall -q -9 dpdk-test; do
		sleep 0.1
	done
	rm -rf /mnt/huge/* /run/dpdk
	echo
	echo "$MARK end $status $(($(now) - start))"
}

for node in "$NODES"/node[0-9]*; do
	echo "$MARK node ${node##*/node} cpus $(cat "$node/cpulist") KiB" \
		"$(awk '/MemTotal/ { print $4 }' "$node/meminfo")"
done
echo "$MARK up"
if [ -e /runs ]; then
	while read -r line; do
		echo "$MARK run"
		# shellcheck disable=SC2086 # words
		run $line
	done </runs
fi
echo "$MARK done"
sync
poweroff -f
