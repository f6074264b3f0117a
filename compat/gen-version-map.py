#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Make a linker's version map out of the RTE_EXPORT_*_SYMBOL macros of C files.

A macro counts when it starts at the first column of a line, as DPDK's own
tool has it. Whatever is not exported by one is local to the library.
"""

import argparse
import re
import sys

MACRO = re.compile(
    r"^RTE_EXPORT_(EXPERIMENTAL_|INTERNAL_|)SYMBOL"
    r"\(\s*(\w+)\s*(?:,\s*(\d+\.\d+)\s*)?\)"
)


def read_exports(paths, abi):
    """Map each node of the version map to its symbols and their releases."""
    nodes = {abi: {}, "EXPERIMENTAL": {}, "INTERNAL": {}}
    seen = {}
    for path in paths:
        with open(path, encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                if not line.startswith("RTE_EXPORT_"):
                    continue
                match = MACRO.match(line)
                if match is None:
                    sys.exit(f"{path}:{number}: not understood: {line.strip()}")
                kind, symbol, release = match.groups()
                if (kind == "EXPERIMENTAL_") != (release is not None):
                    sys.exit(f"{path}:{number}: only an experimental symbol has a release")
                if symbol in seen:
                    sys.exit(f"{path}:{number}: {symbol} is exported at {seen[symbol]} already")
                seen[symbol] = f"{path}:{number}"
                nodes[kind.rstrip("_") or abi][symbol] = release
    return nodes


def write_map(nodes, output):
    """Write the nodes, symbols sorted by release and by name."""
    local_written = False
    for node, symbols in nodes.items():
        if not symbols:
            continue
        output.write(f"{node} {{\n\tglobal:\n")
        last = ""
        for release, symbol in sorted((r or "", s) for s, r in symbols.items()):
            if release != last:
                output.write(f"\n\t# added in {release}\n")
                last = release
            elif last == "" and symbol == min(symbols):
                output.write("\n")
            output.write(f"\t{symbol};\n")
        # one node is enough to make everything else local
        if not local_written:
            output.write("\n\tlocal: *;\n")
            local_written = True
        output.write("};\n")
    if not local_written:
        output.write(f"{next(iter(nodes))} {{\n\tlocal: *;\n}};\n")


def main():
    """Parse the command line and do the work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--abi-version", required=True, help="file with the version of the ABI")
    parser.add_argument("--output", required=True, help="version map to write")
    parser.add_argument("sources", nargs="+", help="C files to read")
    args = parser.parse_args()

    with open(args.abi_version, encoding="utf-8") as version:
        abi = "DPDK_" + version.readline().split(".")[0].strip()
    nodes = read_exports(args.sources, abi)
    with open(args.output, "w", encoding="utf-8") as output:
        write_map(nodes, output)


if __name__ == "__main__":
    main()
