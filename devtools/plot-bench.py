#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright(c) 2026 The fastmem authors

"""Make pictures, as SVG and PNG, of what dpdk-test-fastmem has measured.

The files are what its option --json writes. The first one gives the cycles by
size and the latencies; with files of runs with other numbers of lcores, there is
a picture of how the allocators scale, and with one of the option --memory, of
the memory over time. What a file has no figures of is left out. The same files give the same SVG.
"""

import argparse
import json
import os
import sys
import textwrap

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
except ImportError as error:
    sys.exit(f"plot-bench.py: {error}: Debian has it in the package python3-matplotlib")

PROGRAM = "dpdk-test-fastmem"
VERSION = 1
MIB = 1 << 20

# for what has one size only, if it was measured
USUAL_SIZE = 64

# The colours of Okabe and Ito, which all kinds of colour vision tell apart.
# Relatives share one, and differ in their dashes; all differ in their markers.
BLUE, SKY, GREEN, VERMILION = "#0072B2", "#56B4E9", "#009E73", "#D55E00"
ORANGE, PURPLE, BLACK, GREY = "#E69F00", "#CC79A7", "#000000", "#777777"
STYLES = {
    "fastmem": (BLUE, "o", "-"),
    "fastmem-sized": (SKY, "s", "--"),
    "fastmem-handle": (GREEN, "^", "-"),
    "mempool": (VERMILION, "D", "-"),
    "rte_malloc": (ORANGE, "v", "-"),
    "libc": (PURPLE, "P", "-"),
    "null": (GREY, ".", ":"),
}
OTHER_STYLES = [(color, marker, dash)
                for dash in ("--", "-.", ":")
                for color, marker in ((BLACK, "X"), (VERMILION, "<"), (PURPLE, ">"),
                                      (ORANGE, "h"), (BLUE, "*"), (GREEN, "d"),
                                      (SKY, "p"))]

# the part of a picture that the names of phases need above the lines, and the
# part of its width that each takes
PHASE_ROOM = 0.25
PHASE_WIDTH = 0.03

QUANTILES = ("p50", "p99", "p99.9", "p99.99", "max")


def fail(text):
    sys.exit(f"plot-bench.py: {text}")


def load(path):
    """The results in a file, if it is one of the benchmark."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError) as error:
        fail(f"cannot read '{path}': {error}")
    if not isinstance(data, dict) or data.get("program") != PROGRAM:
        fail(f"'{path}' is not JSON of {PROGRAM}")
    if data.get("version") != VERSION:
        fail(f"'{path}' has version {data.get('version')} of the format, not {VERSION}")
    return data


def figures(data, scenario, metric):
    """The medians of the main lcore: {allocator: {size: median}}, in order."""
    result = {}
    for figure in data["results"]:
        if (figure["scenario"], figure["metric"], figure["caller"]) != \
                (scenario, metric, "lcore") or len(figure["sizes"]) != 1:
            continue
        result.setdefault(figure["allocator"], {})[figure["sizes"][0]] = figure["median"]
    return result


def usual_size(sizes):
    return USUAL_SIZE if USUAL_SIZE in sizes else min(sizes)


def style(allocator, order):
    """Lines of an allocator look the same in all pictures with the same ones."""
    if allocator in STYLES:
        return STYLES[allocator]
    others = [name for name in order if name not in STYLES]
    return OTHER_STYLES[others.index(allocator) % len(OTHER_STYLES)]


def draw(axes, allocator, order, x, y, **more):
    color, marker, dash = style(allocator, order)
    axes.plot(x, y, color=color, linestyle=dash, linewidth=1.8,
              **{"marker": marker, "markersize": 5, **more})
    return color, marker


def caption(fig, data, lcores=None):
    """What the figures depend on, in a line or two at the bottom."""
    machine, eal, options = data["machine"], data["eal"], data["options"]
    if not lcores:
        lcores = f"{machine['lcores']} lcore{'s' * (machine['lcores'] != 1)}"
        lcores += "" if machine["pinned"] else " sharing CPUs"
    text = (f"{machine['cpu']}, TSC {machine['tsc_hz'] / 1e6:.0f} MHz, "
            f"{lcores}; {data['dpdk']}, fastmem {data['fastmem']}, {data['compiler']}, "
            f"Linux {machine['kernel']}, "
            f"{'hugepages' if eal['hugepages'] else 'no hugepages'}; "
            f"up to {options['rounds']} rounds of {options['duration_ms']}\u00a0ms; "
            f"{data['date'][:10]}")
    width = int(fig.get_figwidth() * 15)
    fig.text(0.01, 0.01, textwrap.fill(text, width), fontsize=8, color="#444444",
             ha="left", va="bottom")


def spread(places, gap, low, high):
    """Move places apart by as little as possible, and into the limits.

    Neighbours that are too close become a group around their middle.
    """
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    groups = []
    for i in order:
        groups.append([places[i], 1])
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < \
                gap * (groups[-1][1] + groups[-2][1]) / 2:
            middle, n = groups.pop()
            groups[-1][0] = (groups[-1][0] * groups[-1][1] + middle * n) / (groups[-1][1] + n)
            groups[-1][1] += n
    spots = [middle + gap * (i - (n - 1) / 2) for middle, n in groups for i in range(n)]
    # a group that reaches beyond a limit pushes the others back
    for i in range(len(spots)):
        spots[i] = max(spots[i], low + gap * i)
    for i in range(len(spots)):
        spots[-1 - i] = min(spots[-1 - i], high - gap * i)
    result = list(places)
    for i, spot in zip(order, spots):
        result[i] = spot
    return result


def label_ends(axes, ends):
    """Name each line at its end: ends is a list of (name, (colour, marker), x, y)."""
    axes.figure.canvas.draw()
    box = axes.get_window_extent()
    points = [axes.transData.transform((x, y)) for _, _, x, y in ends]
    gap = 13 * axes.figure.dpi / 72
    places = spread([y for _, y in points], gap, box.y0, max(box.y1, box.y0 + gap * len(ends)))
    right = box.x1 + 0.3 * axes.figure.dpi
    beside = right + 0.07 * axes.figure.dpi
    to_axes = axes.transAxes.inverted().transform
    for (name, (color, marker), _, _), (x, y), place in zip(ends, points, places):
        lead = [to_axes((x + 0.06 * axes.figure.dpi, y)), to_axes((right, place))]
        axes.plot(*zip(*lead), color=color, linewidth=0.6, marker=marker, markersize=4,
                  markevery=[1], transform=axes.transAxes, clip_on=False)
        axes.text(*to_axes((beside, place)), name, color=color, va="center", ha="left",
                  transform=axes.transAxes)


def plain(value, _=None):
    """A number without an exponent, whatever the scale."""
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if value >= 1e4 else f"{value:g}"


def bytes_label(value):
    for unit in ("B", "KiB", "MiB"):
        if value < 1024 or unit == "MiB":
            return f"{value:g} {unit}"
        value /= 1024
    return ""


def log_ticks(axis, low, high):
    """Ticks at 1, 2 and 5 times the powers of ten, or at these if they are many."""
    steps = (1, 2, 5) if high / low < 300 else (1,)
    ticks = [step * 10.0 ** power for power in range(-3, 12) for step in steps]
    axis.set_ticks([tick for tick in ticks if low <= tick <= high])
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_locator(NullLocator())


def log_limits(axes, values, room=0):
    """A scale for these values, with some air around them, and a part for labels above."""
    values = [value for value in values if value > 0]
    low, high = min(values) / 1.5, max(values) * 1.5
    high = low * (high / low) ** (1 / (1 - room))
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, low, high)


def size_axis(axes, sizes):
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes)
    axes.set_xticklabels([bytes_label(size) for size in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())


def new_figure(title, columns=1):
    fig, axes = plt.subplots(1, columns, figsize=(9, 5.4), sharey=True, squeeze=False)
    fig.subplots_adjust(left=0.09, right=0.80, top=0.88, bottom=0.19, wspace=0.08)
    fig.suptitle(title, x=0.01, y=0.97, ha="left", fontsize=12, fontweight="bold")
    for each in axes[0]:
        each.grid(True, color="#dddddd", linewidth=0.6)
        each.set_axisbelow(True)
        for side in ("top", "right"):
            each.spines[side].set_visible(False)
    return fig, list(axes[0])


def plot_sizes(data):
    """What one object costs, by its size."""
    found = figures(data, "single", "alloc + free")
    if not found:
        return None
    sizes = sorted({size for medians in found.values() for size in medians})
    fig, (axes,) = new_figure("One object, alloc + free, by its size")
    ends = []
    for name, medians in found.items():
        x = sorted(medians)
        y = [medians[size] for size in x]
        ends.append((name, draw(axes, name, list(found), x, y), x[-1], y[-1]))
    size_axis(axes, sizes)
    log_limits(axes, [value for medians in found.values() for value in medians.values()])
    axes.set_xlabel("size of the object")
    axes.set_ylabel("TSC cycles per object, median (log scale)")
    label_ends(axes, ends)
    caption(fig, data)
    return fig


def plot_lcores(runs):
    """Objects per second of all lcores together, by their number."""
    found, first = {}, {}
    for data in runs:
        if not data["results"]:
            continue
        lcores = data["machine"]["lcores"]
        first.setdefault(lcores, data)
        if first[lcores] is not data:
            fail(f"two files are of runs with {lcores} lcores")
        scenario = "single" if lcores == 1 else "lcores"
        for name, medians in figures(data, scenario, "alloc + free").items():
            size = usual_size(medians)
            found.setdefault(name, {})[lcores] = \
                lcores * data["machine"]["tsc_hz"] / medians[size] / 1e6
    numbers = sorted({lcores for rates in found.values() for lcores in rates})
    if len(numbers) < 2:
        return None
    fig, (axes,) = new_figure("All lcores at once, each with objects of its own, "
                              f"{size} B: alloc + free")
    ends = []
    for name, rates in found.items():
        x = sorted(rates)
        y = [rates[lcores] for lcores in x]
        ends.append((name, draw(axes, name, list(found), x, y), x[-1], y[-1]))
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers)
    axes.set_xticklabels([str(number) for number in numbers])
    axes.xaxis.set_minor_locator(NullLocator())
    log_limits(axes, [rate for rates in found.values() for rate in rates.values()])
    axes.set_xlabel("number of lcores")
    axes.set_ylabel("million objects per second, all lcores (log scale)")
    label_ends(axes, ends)
    shared = [str(n) for n in numbers if not first[n]["machine"]["pinned"]]
    caption(fig, first[numbers[0]], f"{numbers[0]} to {numbers[-1]} lcores" +
            (f", sharing CPUs if {', '.join(shared)}" if shared else ""))
    return fig


def quantile_figures(data, call):
    """{allocator: medians of the quantiles} of the usual size, and that size."""
    found = {quantile: figures(data, "latency", f"{call} {quantile}")
             for quantile in QUANTILES}
    if not found["p50"]:
        return {}, 0
    size = usual_size({size for medians in found["p50"].values() for size in medians})
    return {name: [found[quantile][name][size] for quantile in QUANTILES]
            for name in found["p50"] if size in found["p50"][name]}, size


def plot_latency(data):
    """The quantiles of single calls."""
    calls = ("alloc", "free")
    by_call = {call: quantile_figures(data, call) for call in calls}
    size = by_call["alloc"][1]
    if size == 0:
        return None
    fig, panels = new_figure(f"Latency of single calls, {size} B, thousands of objects "
                             "come and go", 2)
    x = range(len(QUANTILES))
    top = max(max(values) for found, _ in by_call.values() for values in found.values())
    for axes, call in zip(panels, calls):
        found = by_call[call][0]
        ends = [(name, draw(axes, name, list(found), x, values), x[-1], values[-1])
                for name, values in found.items()]
        # calls may take no longer than an empty measurement: nothing on a log scale
        axes.set_yscale("symlog", linthresh=10, linscale=0.5)
        axes.set_ylim(-1, top * 2)
        ticks = [0] + [10 ** power for power in range(1, 12) if 10 ** power <= top * 2]
        axes.yaxis.set_ticks(ticks)
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xticks(list(x))
        axes.set_xticklabels(QUANTILES)
        axes.set_title(call, fontsize=11)
        axes.set_xlabel("quantile of the calls")
    panels[0].set_ylabel("TSC cycles per call (log scale above 10)")
    label_ends(panels[-1], ends)
    caption(fig, data)
    return fig


def mark_phases(axes, memory):
    """A line where each phase ends, with its name on the left, at the top."""
    phases = sorted(memory["phases"], key=lambda phase: phase["operation"])
    named = float("-inf")
    for phase in phases:
        end = phase["operation"]
        axes.axvline(end, color="#999999", linewidth=0.7, linestyle=":")
        # a phase too short for its name goes without
        if end - named < PHASE_WIDTH * phases[-1]["operation"]:
            continue
        named = end
        axes.annotate(phase["name"], (end, 1), (-3, -2),
                      xycoords=("data", "axes fraction"), textcoords="offset points",
                      rotation=90, va="top", ha="right", fontsize=8, color="#555555")


def memory_axes(memory, title, label):
    fig, (axes,) = new_figure(title)
    axes.set_xlabel("operations")
    axes.set_ylabel(label)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    mark_phases(axes, memory)
    return fig, axes


def memory_lines(axes, memory, value):
    """A line for each allocator, of what value() makes of a point."""
    names = [allocator["name"] for allocator in memory["allocators"]]
    ends, values = [], []
    for allocator in memory["allocators"]:
        pairs = [(point["operation"], value(point)) for point in allocator["points"]]
        pairs = [(x, y) for x, y in pairs if y is not None]
        if not pairs:
            continue
        x, y = zip(*pairs)
        look = draw(axes, allocator["name"], names, x, y,
                    markevery=max(1, len(x) // 12), markersize=4)
        ends.append((allocator["name"], look, x[-1], y[-1]))
        values += y
    axes.margins(x=0)
    return ends, values


def plot_overhead(data):
    """Memory taken for each byte that the program asked for."""
    memory = data.get("memory")
    if not memory:
        return None
    fig, axes = memory_axes(memory, "Memory taken for each byte in use",
                            "bytes taken / bytes requested and in use (log scale)")
    ends, values = memory_lines(axes, memory, lambda point: point["backing_bytes"] /
                                point["requested_bytes"]
                                if point["requested_bytes"] > 0 else None)
    if not values:
        plt.close(fig)
        return None
    log_limits(axes, values, PHASE_ROOM)
    label_ends(axes, ends)
    caption(fig, data)
    return fig


def plot_memory(data):
    """Memory taken, over that in use."""
    memory = data.get("memory")
    if not memory or not memory["allocators"]:
        return None
    fig, axes = memory_axes(memory, "Memory taken, and in use", "MiB")
    points = memory["allocators"][0]["points"]
    axes.fill_between([point["operation"] for point in points],
                      [point["requested_bytes"] / MIB for point in points],
                      color="#cccccc", linewidth=0)
    ends, values = memory_lines(axes, memory, lambda point: point["backing_bytes"] / MIB)
    if points:
        ends.append(("in use", (GREY, "s"), points[-1]["operation"],
                     points[-1]["requested_bytes"] / MIB))
    axes.set_ylim(0, max(values, default=1) * 1.05 / (1 - PHASE_ROOM))
    label_ends(axes, ends)
    caption(fig, data)
    return fig


def save(fig, directory, name):
    """As SVG and PNG, with nothing in it that differs from run to run."""
    for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        path = os.path.join(directory, f"{name}.{suffix}")
        try:
            fig.savefig(path, metadata=metadata, dpi=120)
        except OSError as error:
            fail(f"cannot write '{path}': {error.strerror}")
        print(path)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0],
                                     epilog=__doc__.split('\n\n', maxsplit=1)[1])
    parser.add_argument("--out", metavar="DIR", default=".",
                        help="where to write the pictures (default: the working directory)")
    parser.add_argument("files", metavar="FILE", nargs="+", help="JSON of the benchmark")
    args = parser.parse_args()

    runs = [load(path) for path in args.files]
    if not os.path.isdir(args.out):
        fail(f"'{args.out}' is no folder")
    matplotlib.rcParams.update({"svg.hashsalt": "fastmem", "font.size": 10})

    # a run that measures memory measures nothing else
    memory = next((run for run in runs if run.get("memory")), runs[0])

    n_saved = 0
    for name, make in (("cycles-by-size", lambda: plot_sizes(runs[0])),
                       ("scaling-by-lcores", lambda: plot_lcores(runs)),
                       ("latency", lambda: plot_latency(runs[0])),
                       ("memory-overhead", lambda: plot_overhead(memory)),
                       ("memory", lambda: plot_memory(memory))):
        try:
            fig = make()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            fail(f"the files lack something for '{name}': {error!r}")
        if fig is not None:
            save(fig, args.out, name)
            n_saved += 1
    if n_saved == 0:
        print("there is nothing in the files that there is a picture of")


if __name__ == "__main__":
    main()
