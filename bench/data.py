#!/usr/bin/env python3
"""From files to batches: Fireclay beside torchvision with a DataLoader and Keras on tf.data.

    python3 bench/data.py --data DIR

How long each takes from files that are not in memory to the first batch, and how many augmented CIFAR-10 images a
second it assembles, on one thread and on all. Raw runs go to bench/runs/data-DATE-MACHINE.json. See bench/README.md.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile

from harness import environment, machine
from harness.environment import BENCH, PREPARED, PROGRAMS, PYTHON, ROOT, say

PROGRAMS_IN_TURN = {
    "Fireclay": (PROGRAMS / "bench-data",),
    "torchvision": (PYTHON, BENCH / "peers/data_torch.py"),
    "Keras": (PYTHON, BENCH / "peers/data_keras.py"),
}
FIRST = {"mnist": "MNIST, s to the first batch", "cifar10": "CIFAR-10, s to the first batch",
         "imdb": "IMDB, s to the first batch"}  # fmt: skip
AUGMENT = {"augment": "flip, crop, cutout: images/s"}
AFFINE = {"affine": "turned and scaled as well: images/s"}
FILES = {"mnist": ["mnist"], "cifar10": ["cifar-10-batches-bin"], "imdb": ["imdb", "imdb-unpacked"]}
LONGEST_S = 600


def unpacked_imdb(data):
    """The peers read folders of files: the archive is unpacked once, and its place linked into a folder of its own."""
    target = PREPARED / "data-peers"
    target.mkdir(parents=True, exist_ok=True)
    for name in ("mnist", "cifar-10-batches-bin", "imdb"):
        link = target / name
        if not link.exists():
            link.symlink_to((data / name).resolve())
    folder = target / "imdb-unpacked"
    if not folder.exists():
        archive = next((data / "imdb").glob("*.tar.gz"))
        say(f"unpacking {archive.name} for the peers")
        part = folder.with_suffix(".part")
        with tarfile.open(archive) as packed:
            packed.extractall(part, filter="data")
        part.rename(folder)
    return target


def drop_from_memory(data, folders):
    """Asks the operating system to forget what it holds of the files, so that they are read from the disk."""
    for top in folders:
        for folder, _, names in os.walk(data / top, followlinks=True):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(command, task, data, threads):
    words = [*command, "--task", task, "--data", data, "--threads", threads]
    try:
        done = subprocess.run([str(word) for word in words], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S,
                              preexec_fn=lambda: keep_on_cores(threads))  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {LONGEST_S} s"}
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"error": (done.stderr.strip().splitlines() or ["not a word"])[-1][:200]}


def keep_on_cores(threads):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def number(value):
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def cell(runs, field):
    values = [run[field] for run in runs if field in run]
    if not values:
        return runs[-1]["error"] if runs else "-"
    spread = f" ({number(min(values))}..{number(max(values))})" if len(values) > 1 else ""
    return number(statistics.median(values)) + spread


def table(record):
    rows = [["", "threads", *PROGRAMS_IN_TURN]]
    for case in dict.fromkeys((run["task"], run["threads"]) for run in record["runs"]):
        task, threads = case
        field = "seconds" if task in FIRST else "images_per_s"
        of = lambda name: [r for r in record["runs"] if (r["task"], r["threads"], r["program"]) == (*case, name)]
        words = (FIRST | AUGMENT | AFFINE)[task]
        rows.append([words, str(threads), *(cell(of(name), field) for name in PROGRAMS_IN_TURN)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("| " + " | ".join(word.ljust(width) for word, width in zip(row, widths)) + " |" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DIR", type=pathlib.Path, default=os.environ.get("FIRECLAY_TEST_DATA"))
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="[default: 3]")
    flags = parser.parse_args()
    if not flags.data:
        parser.error("--data, or the variable FIRECLAY_TEST_DATA, names the folder with the data sets")
    environment.make_venv()
    environment.build_programs("bench-data")
    data = unpacked_imdb(pathlib.Path(flags.data))
    cores = machine.cores()
    record = {"machine": machine.describe(cores), "versions": {"rust": machine.rust_version()}, "runs": []}
    cases = [(task, cores) for task in FIRST]
    cases += [(task, threads) for threads in dict.fromkeys((1, cores)) for task in AUGMENT | AFFINE]
    for turn in range(1, flags.rounds + 1):
        for task, threads in cases:
            for name, command in PROGRAMS_IN_TURN.items():
                if task in AFFINE and name != "Fireclay":
                    continue
                if task in FIRST:
                    drop_from_memory(data, FILES[task])
                line = run(command, task, data, threads)
                say(f"round {turn}: {task} {name}, {threads} threads: {line}")
                record["versions"] |= line.pop("versions", {})
                record["runs"].append({"round": turn, "program": name, "task": task, "threads": threads, **line})
    path = BENCH / f"runs/data-{record['machine']['date'][:10]}-{machine.slug(record['machine'])}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    say(f"raw runs: {path}")
    print(table(record))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
