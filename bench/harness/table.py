"""The tables: from raw runs to medians, spreads, best peers, ratios and shares of the machine's peak, as text or as
Markdown."""

import statistics

from harness import losses

COLUMNS = {
    "fireclay": "Fireclay",
    "keras-tensorflow": "Keras on TensorFlow",
    "keras-jax": "Keras on JAX",
    "pytorch": "PyTorch",
    "onnxruntime": "onnxruntime",
    "openvino": "OpenVINO",
    "litert": "LiteRT",
    "stock-burn": "stock Burn",
}
# What a row measures: its unit, the field, what one unit is, and whether more of it is better.
MEASURES = {
    "train": ("samples/s", "samples_per_s", 1, True),
    "infer": ("samples/s", "samples_per_s", 1, True),
    "latency": ("µs", "latency_us", 1, False),
    "memory": ("MB", "peak_memory_bytes", 1e6, False),
}


class Cell:
    """A framework in a row: values of its best variant, or why there are none."""

    def __init__(self, values=(), variant="", trouble="", unchecked=False):
        self.values = sorted(values)
        self.variant = variant
        self.trouble = trouble
        self.unchecked = unchecked

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    def __str__(self):
        if not self.values:
            return self.trouble or "-"
        text = number(self.median)
        if len(self.values) > 1:
            text += f" ({number(self.values[0])}..{number(self.values[-1])})"
        if self.variant not in ("", "default"):
            text += f" {self.variant}"
        return text + (" unchecked" if self.unchecked else "")


def number(value):
    """Three digits that count, thousands separated."""
    if value < 100:
        return f"{value:.3g}"
    digits = len(str(int(value))) - 3
    return f"{round(value, -digits):,.0f}" if digits > 0 else f"{value:.0f}"


def best(cells, more_is_better):
    """The name of the best cell that has values, or None."""
    named = {name: cell.median for name, cell in cells.items() if cell.values}
    return (max if more_is_better else min)(named, key=named.get) if named else None


def cell_of(framework, runs, measure, workload):
    """The best variant of a framework among the runs of a workload and task."""
    _, field, unit, more_is_better = MEASURES[measure]
    variants, trouble, unchecked = {}, "", False
    for variant in dict.fromkeys(run["variant"] for run in runs if run["framework"] == framework):
        own = [run for run in runs if run["framework"] == framework and run["variant"] == variant]
        troubles = [run["error"] for run in own if run.get("error")] or [losses.trouble(runs, own, workload)]
        troubles += ["not measured"] * (not all(run.get(field) for run in own))
        if any(troubles):
            trouble = next(filter(None, troubles))
            continue
        variants[variant] = Cell([run[field] / unit for run in own], variant)
        unchecked = losses.expected_loss(runs, own[0], workload) is None
    chosen = best(variants, more_is_better)
    if chosen is None:
        return Cell(trouble=trouble)
    variants[chosen].unchecked = unchecked
    return variants[chosen]


def comparisons(record):
    """Workload, measure, precision, each framework's cell and the best peer, of whatever was run."""
    for name, workload in record["workloads"].items():
        fastest = {}
        for measure, precision in [(measure, precision) for measure in MEASURES for precision in ("f32", "bf16")]:
            task = "train" if measure == "memory" else measure
            runs = [run for run in record["runs"] if run["workload"] == name and run["task"] == task]
            # Runs of before there was another precision do not name theirs.
            runs = [run for run in runs if run.get("precision", "f32") == precision]
            if not runs:
                continue
            cells = {framework: cell_of(framework, runs, measure, workload) for framework in COLUMNS}
            peers = {framework: cell for framework, cell in cells.items() if framework != "fireclay"}
            # Little memory is worth nothing in a slow training: it is compared with that of the fastest.
            winner = fastest.get(precision) if measure == "memory" else None
            winner = winner or best(peers, MEASURES[measure][-1])
            if measure == "train":
                fastest[precision] = winner
            yield name, measure, precision, cells, winner


def label(measure, precision):
    """`train` or `train in bf16`"""
    return measure if precision == "f32" else f"{measure} in {precision}"


def rows(record):
    """One dictionary for each workload and measure that was run."""
    for name, measure, precision, cells, winner in comparisons(record):
        own = cells["fireclay"].median
        yield {
            "workload": name,
            "measure": f"{label(measure, precision)}, {MEASURES[measure][0]}",
            **{title: str(cells[framework]) for framework, title in COLUMNS.items()},
            "best peer": COLUMNS[winner] if winner else "-",
            "ratio": f"{own / cells[winner].median:.2f}" if own and winner else "-",
        }


def shares(record):
    """One dictionary for each training: its share of what all threads can do. Records without a peak have none."""
    peaks = record["machine"].get("peak_gflops") or {}
    for name, measure, precision, cells, winner in comparisons(record):
        work, peak = training_mflop(record["workloads"][name]), peaks.get(precision)
        if measure != "train" or not work or not peak:
            continue

        def share(framework):
            median = cells[framework].median if framework else None
            return f"{median * work / (peak[1] * 1e3):.0%}" if median else "-"

        yield {
            "workload": name,
            "measure": label(measure, precision),
            "MFLOP/sample": number(work),
            "Fireclay, of peak": share("fireclay"),
            "best peer": COLUMNS[winner] if winner else "-",
            "best peer, of peak": share(winner),
        }


def training_mflop(workload):
    """Forward, by weight and by input, which the first layer's input does without; None where it was not counted."""
    return 3 * workload["mflop"] - workload["first_layer_mflop"] if "mflop" in workload else None


def heading(record):
    """The lines above the table."""
    machine = record["machine"]
    kind = [machine["cpu_family_and_model"]] if machine.get("cpu_family_and_model") else []
    instructions = ", ".join(kind + machine["instruction_sets"])
    versions = ", ".join(f"{name} {version}" for name, version in sorted(record["versions"].items()))
    rounds = max((run["round"] for run in record["runs"]), default=0)
    return [
        f"{machine['cpu']}{f' ({instructions})' if instructions else ''}, {machine['cores']} cores, "
        f"{machine['threads']} threads; {machine['os']}",
        *peak_lines(machine),
        versions,
        f"{machine['date']}, commit {machine['git_commit']}, {rounds} rounds"
        + (f", scale {record['scale']:g}: not for comparison" if record["scale"] != 1 else ""),
    ]


def peak_lines(machine):
    """What was measured of the machine's peak, in a line; none in records of before it was."""
    if "peak_gflops" not in machine:
        return []
    if not machine["peak_gflops"]:
        return ["peak: not measured"]
    measured = [
        f"{precision} {one:,.0f} GFLOP/s on one thread, {every:,.0f} on {machine['threads']}"
        for precision, (one, every) in ((name, peak) for name, peak in machine["peak_gflops"].items() if peak)
    ]
    return ["peak, measured: " + "; ".join(measured)]


FOOTNOTE = (
    "Medians, (least..most) over the rounds. Ratio: Fireclay / best peer; above 1 is better for samples/s, below 1 "
    "for µs and MB. Memory: the training process at its peak."
)
SHARES_FOOTNOTE = (
    "Of peak: samples/s times the operations of a training step for each sample, divided by the measured peak of all "
    "threads in that precision. Counted are those of the network's definition: convolutions by Winograd's algorithm, and an "
    "LSTM's input multiplied once for each distinct word, need fewer, so that they may exceed 100 %."
)


def as_text(record):
    """The tables for a terminal."""
    return "\n".join(tables(record, heading(record), text_table))


def as_markdown(record):
    """The tables for a README."""
    return "\n".join(tables(record, ["  \n".join(heading(record))], markdown_table))


def tables(record, lines, formatted):
    """The heading's lines and those of each table that has rows, below it what it says."""
    for table, footnote in ((rows(record), FOOTNOTE), (shares(record), SHARES_FOOTNOTE)):
        if found := list(table):
            lines = [*lines, "", *formatted(found), "", footnote]
    return lines


def text_table(lines):
    """Columns as wide as what they hold."""
    widths = {title: max(len(title), *(len(line[title]) for line in lines)) for title in lines[0]}
    cells = [dict(zip(widths, widths)), *lines]
    return ["  ".join(line[title].ljust(width) for title, width in widths.items()).rstrip() for line in cells]


def markdown_table(lines):
    titles = list(lines[0])
    rest = ["| " + " | ".join(line[title] for title in titles) + " |" for line in lines]
    return ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles), *rest]
