#!/usr/bin/env python3
"""Fireclay against its peers: one command, one table.

    python3 bench/run.py --data DIR

makes the peers' virtual environment, builds the Rust programs, prepares the data, runs everything in turn and prints
the table; the raw runs go to bench/runs/. Needs Python 3.11, a Rust toolchain and a C++ compiler. See bench/README.md.
"""

import argparse
import json
import os
import pathlib
import sys

from harness import environment, machine, programs, table
from harness.environment import BENCH, say

RUNS = BENCH / "runs"
QUICK_SCALE = 0.05
BUSY = 0.5  # A load average above this one disturbs the times.


def words(known):
    """Reads `a,b` where only some words are known."""

    def read(text):
        chosen = text.split(",")
        unknown = [word for word in chosen if word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return [word for word in known if word in chosen]

    return read


def read_flags(workloads):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DIR", type=pathlib.Path, default=os.environ.get("FIRECLAY_TEST_DATA"),
                        help="folder with mnist/, cifar-10-batches-bin/ and imdb/ [default: $FIRECLAY_TEST_DATA]")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="[default: 3]")
    parser.add_argument("--threads", metavar="N", type=int, default=machine.cores(), help="[default: all cores]")
    parser.add_argument("--workloads", metavar="A,B", type=words(tuple(workloads)), default=list(workloads),
                        help=f"[default: {','.join(workloads)}]")
    parser.add_argument("--tasks", metavar="A,B", type=words(programs.TASKS), default=list(programs.TASKS),
                        help=f"[default: {','.join(programs.TASKS)}]")
    parser.add_argument("--frameworks", metavar="A,B", type=words(programs.FRAMEWORKS),
                        default=list(programs.FRAMEWORKS), help=f"[default: {','.join(programs.FRAMEWORKS)}]")
    parser.add_argument("--quick", action="store_true",
                        help="one round of a twentieth of the samples, to see that everything works; nothing is kept")
    parser.add_argument("--from", dest="source", metavar="FILE", type=pathlib.Path,
                        help="print the table of an earlier run")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    flags = parser.parse_args()
    if flags.rounds < 1 or not 1 <= flags.threads <= machine.cores():
        parser.error(f"--rounds is 1 or more, --threads from 1 to {machine.cores()}")
    return flags


def measure(flags, workloads):
    """Runs everything in turn, and keeps the record after each run, so that a broken run is not lost."""
    environment.make_venv()
    environment.build_programs("bench-fireclay", "bench-kernels", "bench-stock-burn")
    environment.prepare_data(flags.data, {workloads[name]["data"] for name in flags.workloads})

    record = {
        "machine": machine.describe(flags.threads) | {"peak_gflops": programs.peak_gflops(flags.threads)},
        "versions": {"rust": machine.rust_version()},
        "scale": QUICK_SCALE if flags.quick else 1,
        "workloads": {name: workloads[name] for name in flags.workloads},
        "runs": [],
    }
    if record["machine"]["load_average"] > BUSY:
        say(f"the machine is busy (load {record['machine']['load_average']}): the times will be off")
    path = None if flags.quick else new_file(record["machine"])
    in_turn = [program for program in programs.PROGRAMS_IN_TURN if program.framework in flags.frameworks]
    for number in range(1, 2 if flags.quick else flags.rounds + 1):
        for workload in flags.workloads:
            for task in flags.tasks:
                for program in in_turn:
                    if workload not in program.workloads or task not in program.tasks:
                        continue
                    line = programs.run(program, workload, task, flags.threads, number, record["scale"])
                    say(f"round {number}: {progress(line)}")
                    record["versions"] |= line.get("versions", {})
                    record["runs"].append({"round": number, **line})
                    if path:
                        keep(path, record)
    if path:
        say(f"raw runs: {path}")
    return record


def progress(line):
    """A run in a few words."""
    what = f"{line['workload']} {line['task']} {line['framework']} {line['variant']}: "
    if "error" in line:
        return what + line["error"]
    value = (f"{line[field]:,.0f} {unit}" for field, unit in
             [("samples_per_s", "samples/s"), ("latency_us", "µs")] if field in line)  # fmt: skip
    return f"{what}{', '.join(value)}, loss {line['loss']}, {(line['peak_memory_bytes'] or 0) / 1e6:.0f} MB"


def new_file(described):
    """`runs/DATE-MACHINE.json`, with a number if there was a run on that day."""
    RUNS.mkdir(exist_ok=True)
    stem = f"{described['date'][:10]}-{machine.slug(described)}"
    names = [stem] + [f"{stem}-{number}" for number in range(2, 1000)]
    return next(path for path in (RUNS / f"{name}.json" for name in names) if not path.exists())


def keep(path, record):
    """Writes the record, one run on each line."""
    head = {key: value for key, value in record.items() if key != "runs"}
    runs = ",\n".join("  " + json.dumps(run) for run in record["runs"])
    text = json.dumps(head, indent=1)[:-2] + ',\n "runs": [\n' + runs + "\n ]\n}\n"
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def main():
    workloads = json.loads((BENCH / "workloads.json").read_text())
    flags = read_flags(workloads)
    record = json.loads(flags.source.read_text()) if flags.source else measure(flags, workloads)
    print(table.as_markdown(record) if flags.markdown else table.as_text(record))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the table has seen enough; Python must not complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
