"""What the peers' data programs share: flags, readers of the published files, and the line that comes out."""

import argparse
import gzip
import json
import pathlib
import time

import numpy as np

CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR_STD = (0.2470, 0.2435, 0.2616)
PADDING = 4
CUTOUT = 8
BATCH = 64
TOKENS = 250
WORDS = 20_000


def read_flags():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=("mnist", "cifar10", "imdb", "augment"), required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    return parser.parse_args()


def mnist(data):
    """`[60000, 28, 28]` and `[60000]`, of the training split; the test split is read as well."""
    def read(name, header):
        return np.frombuffer(gzip.decompress((data / "mnist" / f"{name}.gz").read_bytes()), np.uint8, offset=header)

    splits = [(read(f"{s}-images-idx3-ubyte", 16), read(f"{s}-labels-idx1-ubyte", 8)) for s in ("train", "t10k")]
    images, labels = splits[0]
    return images.reshape(-1, 28, 28), labels


def cifar10(data):
    """`[50000, 3, 32, 32]` and `[50000]`, of the training split; the test split is read as well."""
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    files = [np.fromfile(data / "cifar-10-batches-bin" / name, np.uint8).reshape(-1, 3073) for name in names]
    train = np.concatenate(files[:5])
    return np.ascontiguousarray(train[:, 1:]).reshape(-1, 3, 32, 32), train[:, 0].copy()


def rate(batches, seconds):
    """Images a second, after a warm-up, until some seconds are over."""
    start, images = None, 0
    began = time.perf_counter()
    for size in batches:
        now = time.perf_counter()
        if start is None:
            if now - began > 1.0:
                start = now
            continue
        images += size
        if now - start > seconds:
            return images / (now - start)
    raise SystemExit("the batches came to an end")


def tell(**line):
    print(json.dumps(line), flush=True)
