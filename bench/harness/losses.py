"""Decides whether a time may be believed: whoever computes something else is fast for nothing.

A training must come to the mean training loss that its peers come to in the same epoch, having seen as many samples.
The order of the samples and the initial weights differ, and with each round's seed they change, so it is the median over the rounds
that agrees within the workload's `loss_tolerance`, a share of that loss (NOTES.md). A network that has not been trained, as
in inference and latency, must be near `ln(classes)`.
"""

import math
import statistics

UNTRAINED_TOLERANCE = 0.05
BF16_FACTOR = 1.5  # A training in bf16 may be off by so much more.


def trouble(runs, own, workload):
    """Why the times of these runs of one program are not printed, or None. `runs` are all runs of the same workload, task and
    precision."""
    losses = [run.get("loss") for run in own]
    if any(loss is None or not math.isfinite(loss) for loss in losses):
        return "loss off: not a finite number"
    run, loss = own[0], statistics.median(losses)
    expected = expected_loss(runs, run, workload)
    tolerance = workload["loss_tolerance"] if run["task"] == "train" else UNTRAINED_TOLERANCE
    tolerance *= BF16_FACTOR if run.get("precision") == "bf16" else 1
    if expected is not None and abs(loss - expected) > tolerance * expected:
        return f"loss off: {loss:.4f}, not {expected:.4f}"
    return None


def expected_loss(runs, run, workload):
    """The median of the other frameworks' medians, or None if no other ran."""
    if run["task"] != "train":
        return math.log(workload.get("classes", 2 if workload["data"].startswith("imdb") else 10))
    by_framework = {}
    for other in runs:
        if other["framework"] != run["framework"] and other.get("loss") is not None:
            by_framework.setdefault(other["framework"], []).append(other["loss"])
    medians = [statistics.median(losses) for losses in by_framework.values()]
    return statistics.median(medians) if medians else None
