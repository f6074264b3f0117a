#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Judge what missed its target once more, by several processes.

Where the kernel puts code and data of a process makes a difference of up to a
fifth for all of its life, for each allocator in turn. So a ratio that misses is
measured by two more processes, and the median of the three counts.

Usage: judge-targets.py --scenarios FILE
       judge-targets.py FILE FILE...

FILE is JSON of dpdk-test-fastmem --targets: of the first process for all targets,
and of the others for the scenarios that the first form names. It leaves out what
is below what the allocator null takes, which no other process changes.
The exit status is 2 if a target is missed.
"""

import json
import math
import statistics
import sys

KEYS = ("scenario", "metric", "allocator", "caller", "reference", "target")


def load(path):
    with open(path, encoding="utf-8") as file:
        return {tuple(v[k] for k in KEYS) + tuple(v["sizes"]): v
                for v in json.load(file)["targets"]}


def floor_of(verdict):
    return 0 if verdict is None or verdict["floor"] is None else verdict["floor"]


def floor(verdict):
    """Whether the target is below what null takes."""
    return verdict["target"] < floor_of(verdict)


def ratio_of(verdict):
    """What could not be measured is missed."""
    if verdict is None or verdict["ratio"] is None:
        return math.inf
    return verdict["ratio"]


def missed(verdict):
    return not verdict["met"] and not verdict["reason"]


def name(verdict):
    sizes = "-".join(map(str, verdict["sizes"]))
    caller = "" if verdict["caller"] == "lcore" else f", {verdict['caller']}"
    return (f"{verdict['scenario']}, {verdict['metric']}: {verdict['allocator']}{caller}"
            f" to {verdict['reference']}, {sizes} B")


def judge(first, others):
    again = {key: v for key, v in first.items() if missed(v) and not floor(v)}
    n = {"met": 0, "missed": 0, "null": 0, "not": 0}

    print(f"\nMissed, and judged by the median of {1 + len(others)} processes:")
    for key, verdict in first.items():
        met, null = verdict["met"], floor(verdict)
        if key in again:
            ratios = [ratio_of(o.get(key)) for o in [first] + others]
            ratio = statistics.median_high(ratios)
            met = ratio <= verdict["target"]
            null = verdict["target"] < statistics.median_low(
                floor_of(o.get(key)) for o in [first] + others)
            text = "ok" if met else "<null" if null else "MISSED"
            print(f"{name(verdict)}: {' '.join(f'{r:.3f}' for r in ratios)},"
                  f" target {verdict['target']:.3f}: {ratio:.3f} {text}")
        if met:
            n["met"] += 1
        elif verdict["reason"]:
            n["not"] += 1
        else:
            n["missed"] += 1
            n["null"] += null
    print(f"\ntargets: {n['met']} met, {n['missed']} missed ({n['null']} of them below what"
          f" null takes), {n['not']} not measured; {len(again)} judged by"
          f" {1 + len(others)} processes")
    return 0 if n["met"] == len(first) else 2


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    try:
        if args[0] == "--scenarios" and len(args) == 2:
            verdicts = load(args[1]).values()
            print(",".join(dict.fromkeys(v["scenario"] for v in verdicts
                                         if missed(v) and not floor(v))))
            return 0
        first, *others = [load(path) for path in args]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{sys.argv[0]}: {error!r}", file=sys.stderr)
        return 1
    return judge(first, others)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
