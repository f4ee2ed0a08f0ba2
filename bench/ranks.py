#!/usr/bin/env python3
"""What two processes of one thread train in a second, beside one process of two threads and one of one thread.

They take turns, so that whatever else the machine does touches all of them; of each training the last epoch is counted, in which everything
is warm. `vgg` is the benchmark's network of that name, described in TOML.

    python3 bench/ranks.py --programs target/release --data DIR --rounds 5
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from harness import machine

VGG = [(64, 2), (128, 2), (256, 3), (512, 3)]

# Program, flags, training samples.
WORKLOADS = {
    "cnn": ("mnist", ["--model", "cnn"], "mnist", 20_000),
    "cifar": ("cifar", ["--model", "cnn"], "cifar-10-batches-bin", 8_000),
    "resnet": ("cifar", ["--model", "resnet"], "cifar-10-batches-bin", 2_000),
    "vgg": ("cifar", ["--spec", "vgg.toml"], "cifar-10-batches-bin", 640),
}

WAYS = {
    "1 process x 1 thread": (["--threads", "1"], None),
    "1 process x 2 threads": (["--threads", "2"], None),
    "2 processes x 1 thread": ([], ["launch", "--ranks", "2", "--threads-of-rank", "1", "--"]),
}


def vgg():
    layer = lambda kind, **fields: "\n[[layers]]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in {"type": kind, **fields}.items()
    )
    layers = []
    for channels, convolutions in VGG:
        for _ in range(convolutions):
            layers.append(layer("conv2d", out_channels=channels, kernel_size=3, padding="same", bias=False))
            layers += [layer("batch_norm"), layer("relu")]
        layers.append(layer("max_pool2d", kernel_size=2))
    layers += [layer("global_avg_pool2d"), layer("dense", out_features=10)]
    return "input = [3, 32, 32]\n" + "".join(layers)


def samples_per_second(programs, data, name, way, folder):
    program, model, dataset, samples = WORKLOADS[name]
    flags, launch = WAYS[way]
    out = pathlib.Path(folder, "model.fireclay")
    train = ["train", "--data-dir", str(data / dataset), *model, "--limit", str(samples), "--epochs", "3"]
    train += ["--batch-size", "64", "--optimizer", "adam", "--schedule", "constant", "--warm-up", "0", "--validation-split", "0"]
    train += ["--keep-best=false", *flags, "--json", "--quiet", "--out", str(out)]
    command = [str(programs / program), *(launch or []), *train]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    for file in (out, pathlib.Path(str(out) + ".checkpoint")):
        file.unlink(missing_ok=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    speeds = [record["samples_per_s"] for record in records if record["type"] == "epoch"]
    exchange = [record for record in records if record["type"] == "exchange"]
    share = exchange[0]["exchange_seconds"] / exchange[0]["step_seconds"] if exchange else 0.0
    return speeds[-1], share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("target/release"), help="folder of the programs")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with mnist/ and cifar-10-batches-bin/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(WORKLOADS), action="append", help="one of the networks; may be repeated")
    flags = parser.parse_args()
    programs, data = flags.programs.resolve(), flags.data.resolve()
    print(f"{machine.cpu_model()}, {machine.cpu_family_and_model()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; samples/s of the last of three epochs, {flags.rounds} rounds in turn")
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "vgg.toml").write_text(vgg())
        for name in flags.only or WORKLOADS:
            speeds, shares = {way: [] for way in WAYS}, []
            for _ in range(flags.rounds):
                for way in WAYS:
                    speed, share = samples_per_second(programs, data, name, way, folder)
                    speeds[way].append(speed)
                    shares.append(share)
            print(name)
            for way, values in speeds.items():
                print(f"  {way}: {statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})")
            [one, threads, ranks] = speeds.values()
            ratios = [ranks[round] / threads[round] for round in range(flags.rounds)]
            exchanged = statistics.median(shares[2::3])
            print(
                f"  2 processes over 2 threads: {statistics.median(ranks) / statistics.median(threads):.2f} x by medians, "
                f"{statistics.median(ratios):.2f} x in the median of rounds ({min(ratios):.2f} to {max(ratios):.2f}); "
                f"{exchanged:.0%} of a step is exchange",
                flush=True,
            )


if __name__ == "__main__":
    main()
