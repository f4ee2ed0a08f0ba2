#!/usr/bin/env python3
"""Sums over ranks (all-reduce) beside PyTorch's gloo and OpenMPI, on one machine.

    CARGO_PROFILE_RELEASE_LTO=off cargo build --release -p fireclay-distribute --example allreduce
    python3 bench/allreduce.py

All-reduces vectors of 10^4, 10^5 and 10^6 floats on 2 and on 4 ranks: Fireclay in shared memory and over TCP, which is encrypted; gloo
over the loopback address, which is not; `MPI_Allreduce` of OpenMPI as it comes and over TCP alone. Each starts anew in each round, in
turn, and checks every sum. Raw times go to bench/runs/allreduce-DATE-MACHINE.txt. It needs Linux, `mpirun` and `mpicc` of OpenMPI, and a
Python with torch, by default that of bench/.venv. It fails where Fireclay in shared memory is slower than the best peer, by the median
over the medians of the rounds.
"""

import argparse
import json
import os
import pathlib
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile

from harness import environment, machine
from harness.environment import BENCH, ROOT, say

HERE = BENCH / "allreduce"
# Lengths, and how often each is summed in a round.
LENGTHS = {10_000: 300, 100_000: 100, 1_000_000: 30}
OURS, TCP = "Fireclay, shared memory", "Fireclay, TCP, encrypted"
GLOO, MPI, MPI_TCP = "gloo", "OpenMPI", "OpenMPI, TCP"


def free_port():
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def with_ranks(command, ranks):
    """What rank 0 of a program prints that is started once for each rank."""
    place = dict(os.environ, WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()),
                 FIRECLAY_SHARED_KEY=secrets.token_hex(32))  # fmt: skip
    started = [
        subprocess.Popen(command, env={**place, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True) for rank in range(ranks)
    ]
    printed = [process.communicate()[0] for process in started]
    if any(process.returncode != 0 for process in started):
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return printed[0]


def with_mpirun(command, ranks, *flags):
    """The same by OpenMPI."""
    allowed = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    whole = ["mpirun", "--oversubscribe", *flags, "-n", str(ranks), *command]
    return subprocess.run(whole, env=allowed, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def programs(flags, folder):
    """What is measured: for each name, what runs it on so many ranks."""
    compiled = pathlib.Path(folder) / "mpi"
    environment.call("mpicc", "-O3", "-o", compiled, HERE / "mpi.c")
    words = [f"{length}:{calls}" for length, calls in LENGTHS.items()]
    return {
        OURS: lambda ranks: with_ranks([flags.program, "shared-memory", *words], ranks),
        TCP: lambda ranks: with_ranks([flags.program, "tcp", *words], ranks),
        GLOO: lambda ranks: with_ranks([flags.python, HERE / "gloo.py", *words], ranks),
        MPI: lambda ranks: with_mpirun([compiled, *words], ranks),
        MPI_TCP: lambda ranks: with_mpirun([compiled, *words], ranks, "--mca", "btl", "tcp,self"),
    }


def versions(python):
    """Of what runs beside us."""
    torch = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True).stdout.strip()
    mpi = subprocess.run(["mpirun", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    return f"torch {torch}, {mpi}"


def table(times, ranks):
    """Rows of medians over the rounds' medians, and of the least of all times; what was too slow."""
    lines, slow = [f"| {ranks} ranks, µs | " + " | ".join(f"{length:,}" for length in LENGTHS) + " |", "|---|---|---|---|"], []
    median = {}
    for name, of_name in times.items():
        cells = []
        for length in LENGTHS:
            rounds = of_name[ranks, length]
            median[name, length] = statistics.median(statistics.median(times) for times in rounds)
            cells.append(f"{median[name, length]:.0f} (least {min(min(times) for times in rounds):.0f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for length in LENGTHS:
        best = min((GLOO, MPI, MPI_TCP), key=lambda name: median[name, length])
        ratio = median[best, length] / median[OURS, length]
        lines.append(f"{length:,}: in shared memory {ratio:.2f} times as fast as {best}")
        if ratio < 1:
            slow.append(f"{ranks} ranks, {length:,} floats")
    return "\n".join(lines), slow


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=environment.PROGRAMS / "examples/allreduce", type=pathlib.Path, help="the example `allreduce`")
    parser.add_argument("--python", default=environment.PYTHON, help="a Python with torch")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rounds", type=int, default=5)
    flags = parser.parse_args()
    if not pathlib.Path(flags.python).exists():
        environment.make_venv()
    about = machine.describe(machine.cores())
    raw = [f"# {json.dumps(about)}", f"# {versions(flags.python)}", f"# {flags.rounds} rounds"]
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        measured = programs(flags, folder)
        for round_ in range(flags.rounds):
            for ranks in flags.ranks:
                for name, run in measured.items():
                    say(f"round {round_ + 1}: {name}, {ranks} ranks")
                    for line in run(ranks).splitlines():
                        found = json.loads(line)
                        times.setdefault(name, {}).setdefault((ranks, found["length"]), []).append(found["us"])
                        raw.append(json.dumps({"round": round_ + 1, "name": name, "load": round(os.getloadavg()[0], 2), **found}))
    shown, slow = zip(*(table(times, ranks) for ranks in flags.ranks))
    print("\n\n".join(shown))
    for what in sum(slow, []):
        print(f"too slow: {what}")
    family = "-".join(re.findall(r"[a-z0-9]+", about["cpu_family_and_model"].lower()))
    file = BENCH / "runs" / f"allreduce-{about['date'][:10]}-{machine.slug(about)}-{family}.txt"
    file.write_text("\n\n".join(shown) + "\n\n" + "\n".join(raw) + "\n")
    say(f"kept in {file.relative_to(ROOT)}")
    sys.exit(1 if any(slow) else 0)


if __name__ == "__main__":
    main()
