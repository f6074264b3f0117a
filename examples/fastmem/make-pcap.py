#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Write a pcap file with flows of several kinds, of short and long lives.

The same arguments always give the same file. With --mangle, packets are
damaged at random, to test what reads them.
"""

import argparse
import struct
import sys

MAC = bytes.fromhex("020000000002") + bytes.fromhex("020000000001")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58


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

    def text(self, n):
        """Bytes that might be text."""
        return bytes(97 + self.below(26) for _ in range(n))


def checksum(data):
    """The internet's checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Host:
    """A pair of hosts, by IPv4 or IPv6, with or without a VLAN tag."""

    def __init__(self, rnd, number):
        self.v6 = rnd.one_in(4)
        self.vlan = rnd.between(1, 100) if rnd.one_in(8) else 0
        client, server = number, rnd.below(200)
        if self.v6:
            prefix = bytes.fromhex("20010db8000000000000000000")
            self.addr = [prefix + struct.pack("!I", client)[1:],
                         prefix + struct.pack("!I", 0xFF0000 | server)[1:]]
        else:
            self.addr = [struct.pack("!I", 0x0A000000 | client),
                         struct.pack("!I", 0xC6120000 | server)]
        self.ident = rnd.below(65536)

    def frame(self, ip_type, packet):
        """A packet in Ethernet."""
        tag = struct.pack("!HH", 0x8100, self.vlan) if self.vlan else b""
        frame = MAC + tag + struct.pack("!H", ip_type) + packet
        return frame + bytes(max(0, 60 - len(frame)))

    def ip(self, side, proto, data, flags=0, ident=None):
        """An IP packet from one side to the other, as a frame."""
        src, dst = self.addr[side], self.addr[1 - side]
        if self.v6:
            head = struct.pack("!IHBB", 6 << 28, len(data), proto, 64) + src + dst
            return self.frame(0x86DD, head + data)
        if ident is None:
            self.ident = (self.ident + 1) & 0xFFFF
            ident = self.ident
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), ident, flags, 64,
                           proto, 0, src, dst)
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return self.frame(0x0800, head + data)

    def l4(self, side, proto, segment, place):
        """The frame of a segment, whose checksum has a place."""
        pseudo = self.addr[side] + self.addr[1 - side] + struct.pack(
            "!IHBB", len(segment), 0, 0, proto)
        value = checksum(pseudo + segment) or 0xFFFF
        segment = segment[:place] + struct.pack("!H", value) + segment[place + 2:]
        return self.ip(side, proto, segment)


class TcpFlow:
    """A connection: what it sends goes to a list of (time, frame)."""

    def __init__(self, rnd, number, start, out):
        self.rnd, self.host, self.time, self.out = rnd, Host(rnd, number), start, out
        self.ports = [rnd.between(1024, 65535), (80, 443, 8080, 22)[rnd.below(4)]]
        self.seq = [rnd.below(1 << 32), rnd.below(1 << 32)]

    def send(self, side, flags, data=b"", step=20, keep=False):
        """One segment; with keep, it is returned rather than sent."""
        head = struct.pack("!HHIIBBHHH", self.ports[side], self.ports[1 - side],
                           self.seq[side], self.seq[1 - side] if flags & ACK else 0,
                           5 << 4, flags, 65535, 0, 0)
        self.seq[side] = (self.seq[side] + len(data) +
                          (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF
        self.time += self.rnd.between(1, step)
        frame = self.host.l4(side, TCP, head + data, 16)
        if not keep:
            self.out.append((self.time, frame))
        return frame

    def open(self):
        """The three segments that every connection begins with."""
        self.send(0, SYN)
        self.send(1, SYN | ACK)
        self.send(0, ACK)

    def exchange(self, segments, step):
        """A request, and a response of several segments, not always in order."""
        request = b"GET /" + self.rnd.text(self.rnd.between(4, 400)) + b" HTTP/1.1\r\n\r\n"
        self.send(0, PSH | ACK, request, step)
        late = []
        for _ in range(segments):
            size = (1400, 1400, self.rnd.between(1, 1400))[self.rnd.below(3)]
            data = self.rnd.text(16) * (size // 16) + self.rnd.text(size % 16)
            swap = self.rnd.one_in(8) and len(late) < 3
            frame = self.send(1, ACK, data, step, keep=swap)
            if swap:
                late.append(frame)
            elif late and self.rnd.one_in(2):
                self.time += 1
                self.out.append((self.time, late.pop(0)))
        for frame in late:
            self.time += 1
            self.out.append((self.time, frame))
        self.send(0, ACK, step=step)

    def close(self):
        """Both sides end it."""
        self.send(0, FIN | ACK)
        self.send(1, FIN | ACK)
        self.send(0, ACK)


def web(rnd, number, start, out, _span):
    """A short connection that is closed, or reset."""
    flow = TcpFlow(rnd, number, start, out)
    flow.open()
    flow.exchange(rnd.between(1, 6), 20)
    if rnd.one_in(6):
        flow.send(rnd.below(2), RST | ACK)
    else:
        flow.close()


def session(rnd, number, start, out, span):
    """A connection that lives long and is not always closed."""
    flow = TcpFlow(rnd, number, start // 4, out)
    flow.open()
    for _ in range(rnd.between(2, 5)):
        flow.exchange(rnd.between(0, 2), span // 40)
    if rnd.one_in(3):
        flow.close()


def scan(rnd, number, start, out, _span):
    """A connection that nobody answers."""
    TcpFlow(rnd, number, start, out).send(0, SYN)


def udp(host, side, ports, data):
    """A datagram, as a frame."""
    head = struct.pack("!HHHH", ports[side], ports[1 - side], 8 + len(data), 0)
    return host.l4(side, UDP, head + data, 6)


def dns(rnd, number, start, out, _span):
    """Some queries, most of which are answered."""
    host = Host(rnd, number)
    ports = [rnd.between(1024, 65535), 53]
    for _ in range(rnd.between(1, 3)):
        name = b"".join(bytes([n]) + rnd.text(n) for n in
                        (rnd.between(1, 20) for _ in range(rnd.between(2, 4)))) + b"\0"
        ident = rnd.below(65536)
        question = name + struct.pack("!HH", 1, 1)
        query = struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + question
        out.append((start, udp(host, 0, ports, query)))
        start += rnd.between(5, 60)
        if not rnd.one_in(5):
            answer = struct.pack("!HHHHHH", ident, 0x8180, 1, 1, 0, 0) + question + \
                struct.pack("!HHHIH4s", 0xC00C, 1, 1, 60, 4, rnd.text(4))
            out.append((start, udp(host, 1, ports, answer)))
        start += rnd.between(1, 30)


def stream(rnd, number, start, out, span):
    """Datagrams of about the same size, over a long time."""
    host = Host(rnd, number)
    ports = [rnd.between(1024, 65535), rnd.between(16384, 32767)]
    size = rnd.between(20, 600)
    start //= 4
    for _ in range(rnd.between(4, 20)):
        out.append((start, udp(host, 0, ports, rnd.text(1) * (size + rnd.below(20)))))
        start += rnd.between(1, span // 20)


def ping(rnd, number, start, out, _span):
    """Echo requests and replies."""
    host = Host(rnd, number)
    ident = rnd.below(65536)
    for i in range(rnd.between(1, 3)):
        for side in range(2):
            data = rnd.text(rnd.between(8, 56))
            if host.v6:
                echo = struct.pack("!BBHHH", 128 + side, 0, 0, ident, i) + data
                frame = host.l4(side, ICMPV6, echo, 2)
            else:
                echo = struct.pack("!BBHHH", 0 if side else 8, 0, 0, ident, i) + data
                echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
                frame = host.ip(side, ICMP, echo)
            out.append((start, frame))
            start += rnd.between(1, 40)


def fragments(rnd, number, start, out, _span):
    """A datagram in fragments, some of which may be missing."""
    host = Host(rnd, number)
    size = rnd.between(1500, 4000)
    data = struct.pack("!HHHH", 2049, rnd.between(1024, 65535), 8 + size, 0) + \
        rnd.text(10) * (size // 10) + bytes(size % 10)
    ident = rnd.below(1 << 32)
    step = 1232
    parts = list(range(0, len(data), step))
    if rnd.one_in(5):
        parts.pop(rnd.below(len(parts)))
    if rnd.one_in(3):
        parts.reverse()
    for offset in parts:
        part = data[offset:offset + step]
        more = offset + len(part) < len(data)
        if host.v6:
            head = struct.pack("!BBHI", UDP, 0, offset | more, ident)
            frame = host.ip(0, 44, head + part)
        else:
            frame = host.ip(0, UDP, part, flags=more << 13 | offset // 8,
                            ident=ident & 0xFFFF)
        out.append((start, frame))
        start += rnd.between(1, 20)


def noise(rnd, number, start, out, _span):
    """Packets of no flow: ARP, and one that is too short for what it says."""
    host = Host(rnd, number)
    if rnd.one_in(2):
        out.append((start, host.frame(0x0806, rnd.text(28))))
    else:
        out.append((start, host.ip(0, TCP, rnd.text(rnd.between(1, 19)))))


# (how often, what)
KINDS = ((30, web), (8, session), (6, scan), (28, dns), (8, stream), (8, ping),
         (8, fragments), (2, noise))


def make(rnd, n_packets):
    """So many frames with their times, in order."""
    total = sum(weight for weight, _ in KINDS)
    span = n_packets * 10
    out = []
    number = 0
    # some flows begin before the file, and some end behind it
    while len(out) < n_packets * 11 // 10:
        number += 1
        pick = rnd.below(total)
        for weight, kind in KINDS:
            if pick < weight:
                kind(rnd, number, rnd.below(span), out, span)
                break
            pick -= weight
    order = sorted(range(len(out)), key=lambda i: (out[i][0], i))
    return [out[i] for i in order[:n_packets]]


def mangle(rnd, frame):
    """Cut a frame, or change some of its bytes."""
    frame = bytearray(frame)
    for _ in range(rnd.between(1, 4)):
        if rnd.one_in(4):
            del frame[rnd.between(1, len(frame)):]
        else:
            frame[rnd.below(min(len(frame), 80))] = rnd.below(256)
    return bytes(frame)


def main():
    """Write a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--packets", type=int, default=12000, help="how many (12000)")
    parser.add_argument("--seed", type=int, default=1, help="of another file (1)")
    parser.add_argument("--mangle", action="store_true", help="damage the packets")
    parser.add_argument("file")
    args = parser.parse_args()
    if args.packets < 1:
        parser.error("--packets: at least 1")

    rnd = Random(args.seed)
    packets = make(rnd, args.packets)
    try:
        with open(args.file, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for time, frame in packets:
                if args.mangle:
                    frame = mangle(rnd, frame)
                file.write(struct.pack("<IIII", time // 1000000, time % 1000000,
                                       len(frame), len(frame)))
                file.write(frame)
    except OSError as error:
        sys.exit(f"{args.file}: {error.strerror}")


if __name__ == "__main__":
    main()
