"""What the peers share: flags, threads, the workloads, data, the clocks and the JSON line.

A peer calls `read_flags` before it imports its framework, because thread counts are read at import, then hands `report`
a class with `train`, `infer` and `latency`. One process measures one framework, workload and task, and prints one line
of JSON; the fields are described in the README.
"""

import argparse
import json
import math
import os
import pathlib
import resource
import statistics
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent.parent
WORKLOADS = json.loads((FOLDER / "workloads.json").read_text())
TASKS = ["train", "infer", "latency"]

LEARNING_RATE = 1e-3
EPSILON = 1e-8  # Adam's, on every side.
VOCABULARY, EMBEDDING, HIDDEN = 20_000, 128, 128

INFER_SECONDS = 3.0
LATENCY_WARM_UP_CALLS = 100
LATENCY_CALLS = 1000
LATENCY_SAMPLES = 128


def read_flags(variants=("default",), tasks=TASKS, precisions=("f32",)):
    """Reads the command line and limits the threads of whatever is imported from here on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", choices=WORKLOADS, required=True)
    parser.add_argument("--task", choices=tasks, required=True)
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--precision", choices=precisions, default="f32", help="of products")
    parser.add_argument("--data", type=pathlib.Path, default=FOLDER.parent / "target/bench-data")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the samples, seconds and calls")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="overrides one of the framework's settings, to try it")
    flags = parser.parse_args()
    limit_threads(flags.threads)
    return flags


def limit_threads(threads):
    """Sets every thread count that is read at import, and keeps the process on that many cores."""
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]:
        os.environ[name] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])


def settings(flags, chosen):
    """The framework's settings for this workload, with what `--set` changes; values are read as JSON."""
    changes = dict(change.split("=", 1) for change in flags.set)
    unknown = set(changes) - set(chosen)
    if unknown:
        sys.exit(f"no setting is called {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
    return chosen | {name: json.loads(value) for name, value in changes.items()}


class Workload:
    """A workload at the size asked for."""

    def __init__(self, name, scale):
        described = WORKLOADS[name]
        self.name = name
        self.data = described["data"]
        self.batch_size = described["batch_size"]
        self.untimed_epochs = described["untimed_epochs"]
        self.epochs = described["untimed_epochs"] + described["timed_epochs"]
        self.loss_epoch = described["loss_epoch"]
        self.samples = self.whole_batches(described["samples"] * scale)
        self.test_samples = max(LATENCY_SAMPLES, self.whole_batches(described["test_samples"] * scale))
        self.is_images = not self.data.startswith("imdb")
        self.predicts_next_tokens = self.data == "imdb_stream"
        self.classes = described["classes"]

    def whole_batches(self, samples):
        """At least two batches: a last batch of another size would be compiled anew, which is not what is measured."""
        return max(2, round(samples / self.batch_size)) * self.batch_size

    def load(self, folder, split):
        """The first samples of a split and their labels: f32 pixels / 255 `[n, c, h, w]`, or i32 tokens `[n, length]`,
        of which the labels may be the next ones."""
        import numpy as np
        from safetensors import safe_open

        samples = self.samples if split == "train" else self.test_samples
        inputs = "images" if self.is_images else "tokens"
        with safe_open(folder / f"{self.data}.safetensors", "numpy") as file:
            x = file.get_slice(f"{split}_{inputs}")[:samples]
            y = file.get_slice(f"{split}_{'next_tokens' if self.predicts_next_tokens else 'labels'}")[:samples]
        x = x.astype(np.float32) / np.float32(255) if self.is_images else x
        return x, y.astype(np.int32)

    def trained(self, epochs):
        """The fields of a training, from `(seconds, loss, accuracy)` of each epoch, the first ones untimed."""
        seconds = [epoch[0] for epoch in epochs[self.untimed_epochs :]]
        _, loss, accuracy = epochs[self.loss_epoch - 1]
        return {
            "samples_per_s": self.samples / statistics.median(seconds),
            "loss": loss,
            "accuracy": accuracy,
            "samples": self.samples * len(seconds),
            "seconds": sum(seconds),
            "epoch_seconds": [epoch[0] for epoch in epochs],
            "epoch_losses": [epoch[1] for epoch in epochs],
        }


def measure_infer(workload, run_pass, scale):
    """Times whole passes over the test split, for some seconds, after an untimed one.

    `run_pass` computes the logits of every batch and returns them when they are there.
    """
    run_pass()
    seconds = []
    while sum(seconds) < INFER_SECONDS * scale or len(seconds) < 3:
        start = time.perf_counter()
        run_pass()
        seconds.append(time.perf_counter() - start)
    return {
        "samples_per_s": workload.test_samples / statistics.median(seconds),
        "samples": workload.test_samples * len(seconds),
        "seconds": sum(seconds),
    }


def measure_latency(call, samples, scale):
    """Times `call` on one sample at a time, each an array of one row, its result an array in host memory."""
    for index in range(max(10, round(LATENCY_WARM_UP_CALLS * scale))):
        call(samples[index % len(samples)])
    seconds = []
    for index in range(max(20, round(LATENCY_CALLS * scale))):
        sample = samples[index % len(samples)]
        start = time.perf_counter()
        call(sample)
        seconds.append(time.perf_counter() - start)
    return {
        "latency_us": statistics.median(seconds) * 1e6,
        "samples": len(seconds),
        "seconds": sum(seconds),
    }


def loss_and_accuracy(logits, labels):
    """Of a network that has not been trained: near `ln(classes)`, unless something is wrong with it."""
    import numpy as np

    logits = np.asarray(logits).reshape(-1, np.shape(logits)[-1]).astype(np.float64)
    labels = np.reshape(labels, -1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probabilities[np.arange(len(labels)), labels].mean()
    return {"loss": float(loss), "accuracy": float((logits.argmax(axis=1) == labels).mean())}


def peak_memory_bytes():
    """The most memory that the process has had resident."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def report(framework, versions, peer, flags, variant=None):
    """Runs the task and prints the line; `variant` is that of the flags, unless they say something else by it."""
    workload = Workload(flags.workload, flags.scale)
    measured = getattr(peer(flags, workload), flags.task)()
    loss = measured.get("loss")
    if loss is not None and not math.isfinite(loss):
        measured["loss"] = None
    line = {
        "framework": framework,
        "variant": variant or flags.variant,
        "versions": versions,
        "workload": workload.name,
        "task": flags.task,
        "precision": flags.precision,
        "threads": flags.threads,
        "seed": flags.seed,
        "batch_size": 1 if flags.task == "latency" else workload.batch_size,
        **measured,
        "peak_memory_bytes": peak_memory_bytes(),
    }
    print(json.dumps(line), flush=True)
