"""What both apps need: calls of Fireclay's program, and weights between safetensors files and Flower's records."""

import json
import subprocess
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord
from safetensors.numpy import load_file, save_file


def call(program: str, kind: str, *arguments: object) -> dict:
    """Runs the program and returns the record of this kind from the JSON lines that it prints.

    Raises RuntimeError with what the program wrote to stderr if it fails.
    """
    command = [program, *map(str, arguments), "--json"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RuntimeError(f"cannot run {program}: {error.strerror}; the setting 'program' is its path") from None
    if run.returncode != 0:
        raise RuntimeError(f"'{' '.join(command)}' ended with status {run.returncode}: {run.stderr.strip()}")
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record["type"] == kind:
            return record
    raise RuntimeError(f"'{' '.join(command)}' printed no record of type '{kind}'")


def load(path: Path) -> ArrayRecord:
    """Reads weights; the record has them in the order of their names."""
    return ArrayRecord({name: Array(weights) for name, weights in sorted(load_file(path).items())})


def save(arrays: ArrayRecord, path: Path) -> None:
    """Writes weights as the program reads them, in 32 bits."""
    save_file({name: np.ascontiguousarray(arrays[name].numpy(), dtype=np.float32) for name in sorted(arrays)}, path)


def check_same(expected: ArrayRecord, found: ArrayRecord) -> None:
    """Raises ValueError unless both have weights of the same names and shapes."""
    for name in sorted({*expected, *found}):
        shapes = [tuple(arrays[name].shape) if name in arrays else "none" for arrays in (expected, found)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"weights '{name}': expected shape {shapes[0]}, found {shapes[1]}")
