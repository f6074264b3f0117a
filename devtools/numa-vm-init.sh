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

# Give each node its hugepages, and say so if it did not get them.
set_pages() {
	local all=$1 node=0 n got

	for n in $(echo "$all" | tr , ' '); do
		[ ! -e $NODES/node$node/$PAGES ] || echo 0 >$NODES/node$node/$PAGES
		node=$((node + 1))
	done
	node=0
	for n in $(echo "$all" | tr , ' '); do
		got=0
		if [ -e $NODES/node$node/$PAGES ]; then
			echo "$n" >$NODES/node$node/$PAGES
			got=$(cat $NODES/node$node/$PAGES)
		fi
		if [ "$got" -ne "$n" ]; then
			echo "node $node has $got hugepages, not $n"
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
	killall -q -9 dpdk-test
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
