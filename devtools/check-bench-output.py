#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Check what dpdk-test-fastmem has written, for test-bench-output.sh."""

import copy
import csv
import json
import os
import pty
import re
import sys

import jsonschema



def fail(text):
    sys.exit(f"{sys.argv[1]}: {text}")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def validator(schema_path):
    schema = load(schema_path)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def check_schema(schema_path, *paths):
    """The files are as the schema wants them, and have figures."""
    check = validator(schema_path)
    for path in paths:
        data = load(path)
        for error in check.iter_errors(data):
            fail(f"{path}: {error.json_path}: {error.message}")
        if not data["results"] and not data.get("memory") and not data.get("replay"):
            fail(f"{path}: no results")


def doctored(data):
    """What is wrong with each of these, and the data."""
    def change(what, edit):
        wrong = copy.deepcopy(data)
        edit(wrong)
        return what, wrong

    yield change("an unknown member", lambda d: d.update(extra=1))
    yield change("no version", lambda d: d.pop("version"))
    yield change("another version", lambda d: d.update(version=2))
    yield change("another program", lambda d: d.update(program="dpdk-test"))
    yield change("a date in words", lambda d: d.update(date="today"))
    yield change("no results", lambda d: d.pop("results"))
    yield change("a text as a flag", lambda d: d.update(complete="yes"))
    yield change("no kernel", lambda d: d["machine"].pop("kernel"))
    yield change("unknown IOVA mode", lambda d: d["eal"].update(iova_mode="XX"))
    yield change("no rounds", lambda d: d["options"].update(rounds=0))
    figure = data["results"][0]
    for name in figure:
        yield change(f"a figure without {name}", lambda d, n=name: d["results"][0].pop(n))
        yield change(f"a list as {name}", lambda d, n=name: d["results"][0].update({n: [[]]}))
    yield change("an unknown member of a figure", lambda d: d["results"][0].update(extra=1))
    yield change("a negative median", lambda d: d["results"][0].update(median=-1))
    yield change("an unknown unit", lambda d: d["results"][0].update(unit="seconds"))
    yield change("three sizes", lambda d: d["results"][0].update(sizes=[1, 2, 3]))
    for name in ("skipped", "targets"):
        yield change(f"an empty object in {name}", lambda d, n=name: d[n].append({}))
    yield change("memory without points", lambda d: d.update(
        memory={"allocators": [{"name": "libc"}], "phases": []}))


def check_strict(schema_path, path):
    """The schema takes nothing else."""
    check = validator(schema_path)
    n = 0
    for what, wrong in doctored(load(path)):
        n += 1
        if check.is_valid(wrong):
            fail(f"{what} is valid")
    print(f"{n} kinds of wrong JSON are refused")


def as_text(name, value):
    """What the CSV has for a member of a figure; numbers are compared as such."""
    if name == "sizes":
        return "-".join(str(size) for size in value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else float(value)


def check_csv(json_path, path):
    """The CSV has the figures of the JSON, member by member, in their order."""
    with open(path, "rb") as file:
        raw = file.read()
    if not raw.endswith(b"\r\n") or raw.count(b"\n") != raw.count(b"\r\n"):
        fail("lines do not end in CR LF")
    figures = load(json_path)["results"]
    rows = list(csv.DictReader(raw.decode().splitlines(), strict=True))
    if len(rows) != len(figures):
        fail(f"{len(rows)} rows for {len(figures)} figures")
    for row, figure in zip(rows, figures):
        if list(row) != list(figure):
            fail(f"columns {list(row)} for members {list(figure)}")
        for name, value in figure.items():
            wanted = as_text(name, value)
            found = float(row[name]) if isinstance(wanted, float) else row[name]
            if found != wanted:
                fail(f"{name}: {found} for {wanted} in {figure}")


def markdown_tables(path):
    """(title, header, rows) of each table, whose columns have to be aligned."""
    title, lines = None, []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for line in text.split("\n") + [""]:
        if line.startswith("|"):
            lines.append(line)
            continue
        if line.startswith("## "):
            title = line[3:]
        if not lines:
            continue
        places = {tuple(i for i, c in enumerate(each) if c == "|") for each in lines}
        if len(places) != 1:
            fail(f"{title}: columns are not aligned")
        rows = [[cell.strip() for cell in each.strip("|").split("|")] for each in lines]
        if not all(re.fullmatch("-+:?", cell) for cell in rows[1]):
            fail(f"{title}: no rule below the head")
        yield title, rows[0], rows[2:]
        lines = []


def rounding(median):
    """By how much the median of a table may be away from that of the JSON."""
    return 0.051 if median < 99.9 else 0.51 + median * 1e-5


def cell_figure(cell):
    """(median, unstable) of a cell, or None for one without a figure."""
    if cell == "-":
        return None
    parts = cell.split(" / ")
    if len(parts) != 3:
        fail(f"no median, best and ratio in '{cell}'")
    return float(parts[0].lstrip("~")), parts[0].startswith("~")


def size_label(figure):
    return " to ".join(str(size) for size in figure["sizes"]) + " B"


def markdown_cell(tables, figure):
    """The cell of a figure: its column is a size, or a quantile."""
    for title, head, rows in tables:
        by_size = title.endswith(f", {figure['metric']}")
        column = size_label(figure) if by_size else figure["metric"]
        if not title.startswith(figure["scenario"] + ":") or column not in head or \
                not (by_size or title.endswith(f", {size_label(figure)}")):
            continue
        for row in rows:
            cells = dict(zip(head, row))
            if cells["allocator"] == figure["allocator"] and \
                    cells.get("caller", "lcore") == figure["caller"]:
                return cells[column]
    fail(f"no cell for {figure}")


def check_markdown(json_path, path):
    """The tables have each figure of the JSON once, and each has a caption."""
    data = load(json_path)
    tables = list(markdown_tables(path))
    with open(path, encoding="utf-8") as file:
        captions = file.read().count(f"; {data['date']}.\n")
    if captions != len(tables):
        fail(f"{captions} captions for {len(tables)} tables")
    for figure in data["results"]:
        found = cell_figure(markdown_cell(tables, figure))
        median = figure["median"]
        if found is None or found[1] != figure["unstable"] or \
                abs(found[0] - median) > rounding(median):
            fail(f"{found} for {figure}")
    cells = [cell for _, head, rows in tables for row in rows for name, cell in zip(head, row)
             if name not in ("allocator", "caller")]
    n_figures = sum(cell_figure(cell) is not None for cell in cells)
    if n_figures != len(data["results"]):
        fail(f"{n_figures} figures for {len(data['results'])}")


def check_scenarios(list_path, *paths):
    """Each scenario that the program lists is in one of the files."""
    with open(list_path, encoding="utf-8") as file:
        listed = file.read().split("Scenarios:\n")[1].split("\n\n")[0].split("\n")
    names = {line.split()[0] for line in listed}
    found = set()
    for path in paths:
        data = load(path)
        found |= {figure["scenario"] for figure in data["results"]}
    if found != names:
        fail(f"listed, or measured: {sorted(found ^ names)}")
    print(f"{len(names)} scenarios")


def doctor(path, new_path):
    """Write other figures: two that differ, and one that is there no more.

    Best rounds count where there is one caller, and medians elsewhere, so the
    other one of each is changed as well.
    """
    data = load(path)
    figures = data["results"]
    figures[0]["best"] *= 1.2
    figures[1]["best"] *= 1.05
    figures[2]["best"] /= 1.2
    figures[4]["median"] *= 2
    next(f for f in figures if f["scenario"] == "firsttouch")["best"] *= 2
    del figures[3]
    data["dpdk"] = "DPDK 1.2.3"
    with open(new_path, "w", encoding="utf-8") as file:
        json.dump(data, file)


def run_in_terminal(output_path, *command):
    """Run a program in a pseudo-terminal, and keep what it writes there."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    with open(output_path, "wb") as file:
        while True:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            file.write(data)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def screen(raw):
    """The lines that a terminal shows in the end."""
    lines = []
    for line in raw.decode().split("\n"):
        shown = []
        column = 0
        for char in line:
            if char == "\r":
                column = 0
                continue
            shown[column:column + 1] = [char]
            column += 1
        lines.append("".join(shown).rstrip())
    return lines


def check_progress(path):
    """There was a line of progress, and nothing is left of it."""
    with open(path, "rb") as file:
        raw = file.read()
    for wanted in (rb"\rfifo, 64 B: warming up, about [0-9]+ (s|min) left",
                   rb"\rfifo, 64 B: round [0-9]+/21, about [0-9]+ (s|min) left"):
        if not re.search(wanted, raw):
            fail(f"no '{wanted.decode()}'")
    left = [line for line in screen(raw) if " left" in line or "warming up" in line]
    if left:
        fail(f"not erased: {left}")
    if not any(line.startswith("fastmem ") for line in screen(raw)):
        fail("no table")


if __name__ == "__main__":
    {
        "schema": check_schema, "strict": check_strict, "csv": check_csv,
        "markdown": check_markdown, "scenarios": check_scenarios, "doctor": doctor,
        "terminal": run_in_terminal, "progress": check_progress,
    }[sys.argv[1]](*sys.argv[2:])
