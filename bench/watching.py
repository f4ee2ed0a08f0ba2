"""What it costs to watch a training: the samples a second of `mnist train` with the folder of a run, its logs and checkpoints,
divided by those with `--out` alone, in turn: first the one, then the other, so that a machine that grows slower favours neither.

    cargo build --release --bin mnist
    python3 bench/watching.py --data DIR

`DIR` holds the four gzipped IDX files of MNIST. `mlp` is to keep 97 % of its bare speed and `cnn` 99 %.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Model: epochs, images, rounds, and the share of its speed that it is to keep.
MODELS = {"mlp": (5, 60_000, 20, 0.97), "cnn": (3, 20_000, 14, 0.99)}


def speed(program, folder, flags):
    command = [program, "train", "--json", *flags]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in run.stdout.splitlines()]
    return statistics.median(record["samples_per_s"] for record in records if record["type"] == "epoch")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("FIRECLAY_TEST_DATA")
    parser.add_argument("--data", default=data and f"{data}/mnist", required=data is None, help="folder of MNIST")
    arguments = parser.parse_args()
    program = ROOT / "target" / "release" / "mnist"
    failed = False
    for model, (epochs, images, rounds, wanted) in MODELS.items():
        data = str(Path(arguments.data).resolve())
        flags = ["--model", model, "--epochs", str(epochs), "--limit", str(images), "--data-dir", data]
        ratios = []
        for turn in range(rounds):
            kinds = {"bare": [*flags, "--out", "bare.fireclay"], "watched": flags}
            with tempfile.TemporaryDirectory() as folder:
                order = sorted(kinds, reverse=turn % 2 == 1)
                speeds = {kind: speed(program, folder, kinds[kind]) for kind in order}
            ratios.append(speeds["watched"] / speeds["bare"])
        kept = statistics.median(ratios)
        failed |= kept < wanted
        each = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{model}: keeps {kept:.3f} of its speed, {wanted} wanted  ({each})", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
