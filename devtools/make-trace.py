#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Write a trace of allocations, for dpdk-test-fastmem to replay.

The same arguments always give the same file. What is alive when the last
operation has been made is left so, as in a program that is still running.
"""

import argparse
import heapq
import struct
import sys

ALLOC, FREE, _, MARK = range(4)
VERSION = 1


class Random:
    """Numbers which are the same with all versions of Python."""

    def __init__(self, seed):
        self.state = (seed * 2654435761 + 1) & 0xFFFFFFFFFFFFFFFF or 1

    def below(self, limit):
        """A number from 0 to limit - 1."""
        x = self.state
        x ^= x >> 12
        x ^= (x << 25) & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 27
        self.state = x
        return (x * 2685821657736338717 >> 16 & 0xFFFFFFFF) % limit

    def between(self, low, high):
        """A number from low to high."""
        return low + self.below(high - low + 1)

    def one_in(self, n):
        """True in one of n cases."""
        return self.below(n) == 0

    def heavy(self, low, doublings):
        """A number from low on; what is twice as large is half as frequent."""
        while doublings and self.one_in(2):
            low *= 2
            doublings -= 1
        return self.between(low, 2 * low)


def crc32c_table():
    """The table of CRC32C, for a byte at a time."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


class Trace:
    """Writes events, and finds a slot for each object."""

    TABLE = crc32c_table()

    def __init__(self):
        self.out = bytearray(b"fmtrace\n" + struct.pack("<I", VERSION))
        self.sizes = []
        self.idle = []
        self.counts = [0, 0]
        self.checksum = 0

    def varint(self, value):
        """Seven bits a byte, the lowest first."""
        while value >= 0x80:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def check(self, slot, size):
        """Go on with the checksum."""
        crc = self.checksum
        for byte in struct.pack("<II", slot, size):
            crc = crc >> 8 ^ self.TABLE[(crc ^ byte) & 0xFF]
        self.checksum = crc

    def n_operations(self):
        """How many there are by now."""
        return sum(self.counts)

    def alloc(self, size):
        """An object's slot."""
        if self.idle:
            slot = self.idle.pop()
        else:
            slot = len(self.sizes)
            self.sizes.append(0)
        self.sizes[slot] = size
        self.varint(slot << 2 | ALLOC)
        self.varint(size << 1)
        self.check(slot, size)
        self.counts[0] += 1
        return slot

    def free(self, slot):
        """The object of a slot is given back."""
        self.idle.append(slot)
        self.varint(slot << 2 | FREE)
        self.check(slot, 0)
        self.counts[1] += 1

    def finish(self):
        """The bytes of the file."""
        self.varint(MARK)
        self.out += struct.pack("<QQI", *self.counts, self.checksum)
        return self.out


class World:
    """What happens at which time."""

    def __init__(self, rnd, trace):
        self.rnd = rnd
        self.trace = trace
        self.now = 0
        self.number = 0
        self.events = []

    def later(self, delay, what, *args):
        """Have a function called; in the order of the calls, if at one time."""
        self.number += 1
        heapq.heappush(self.events, (self.now + delay, self.number, what, args))

    def run(self, n_operations):
        """Go on until there are enough of them."""
        while self.trace.n_operations() < n_operations:
            self.now, _, what, args = heapq.heappop(self.events)
            what(self, *args)

    def release(self, slots):
        """Free all of these."""
        for slot in slots:
            self.trace.free(slot)


def conntrack(world):
    """A flow begins: its entry, and what some flows have besides.

    Half of the flows live for a request and its answer, and a few for as long
    as the whole trace.
    """
    rnd, trace = world.rnd, world.trace
    slots = [trace.alloc(320 if rnd.one_in(4) else 192)]
    if rnd.one_in(3):
        slots.append(trace.alloc(64))
    if rnd.one_in(16):
        slots.append(trace.alloc(rnd.between(24, 640)))
    world.later(rnd.heavy(100, 12), World.release, slots)
    world.later(rnd.between(1, 7), conntrack)


def timers(world):
    """A timer is started; most of them are stopped before they expire."""
    rnd = world.rnd
    slot = world.trace.alloc((48, 64, 64, 96)[rnd.below(4)])
    deadline = (1000, 4000, 20000)[rnd.below(3)]
    delay = deadline if rnd.one_in(8) else rnd.between(1, deadline // 8)
    world.later(delay, World.release, [slot])
    world.later(rnd.between(0, 3), timers)


def fragment(world, slots, left):
    """A fragment comes in; with the last one, all of them go at once."""
    rnd = world.rnd
    if left:
        size = rnd.between(1300, 2048) if left > 1 else rnd.between(64, 2048)
        slots.append(world.trace.alloc(size))
        world.later(rnd.between(0, 20), fragment, slots, left - 1)
    else:
        world.release(slots)


def reassembly(world):
    """A burst of datagrams in fragments, each with an entry in a table."""
    rnd = world.rnd
    for _ in range(rnd.between(1, 32)):
        n_fragments = rnd.between(2, 45)
        # the last one of some is lost, and a timeout frees the others
        entry = [world.trace.alloc(256)]
        if rnd.one_in(20):
            for _ in range(n_fragments - 1):
                entry.append(world.trace.alloc(rnd.between(1300, 2048)))
            world.later(5000, World.release, entry)
        else:
            fragment(world, entry, n_fragments)
    world.later(rnd.between(100, 1000), reassembly)


WORKLOADS = {
    "conntrack": (conntrack,),
    "timers": (timers,),
    "reassembly": (reassembly,),
    "mix": (conntrack, timers, reassembly),
}


def main():
    """Write a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--operations", type=int, default=200000,
                        help="allocations and frees together (200000, or a few more)")
    parser.add_argument("--seed", type=int, default=1, help="of another file (1)")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("file")
    args = parser.parse_args()
    if args.operations < 1:
        parser.error("--operations: at least 1")

    trace = Trace()
    world = World(Random(args.seed), trace)
    for source in WORKLOADS[args.workload]:
        world.later(0, source)
    world.run(args.operations)
    try:
        with open(args.file, "wb") as file:
            file.write(trace.finish())
    except OSError as error:
        sys.exit(f"{args.file}: {error.strerror}")


if __name__ == "__main__":
    main()
