#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Copy a public header, making it include rte_fastmem_compat.h.

An installed header cannot count on the overlay folder: whether it precedes
DPDK's folder depends on the order of the application's own options. What DPDK
may not have at all is included from there.
"""

import sys

# included by rte_fastmem_compat.h where they exist
LATER_HEADERS = ("#include <rte_stdatomic.h>\n",)


def main():
    """Copy sys.argv[1] to sys.argv[2]."""
    with open(sys.argv[1], encoding="utf-8") as source:
        lines = [line for line in source if line not in LATER_HEADERS]

    includes = [n for n, line in enumerate(lines) if line.startswith("#include <rte_")]
    if includes:
        lines.insert(includes[-1] + 1, "#include <rte_fastmem_compat.h>\n")

    with open(sys.argv[2], "w", encoding="utf-8") as output:
        output.writelines(lines)


if __name__ == "__main__":
    main()
