"""Makes what a run needs: the peers' virtual environment, the Rust programs and the prepared data."""

import hashlib
import os
import pathlib
import platform
import subprocess
import sys
import urllib.error
import urllib.request

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
VENV = BENCH / ".venv"
PYTHON = VENV / "bin/python"
PREPARED = ROOT / "target/bench-data"
PROGRAMS = ROOT / "target/release"

REQUIREMENTS = BENCH / "requirements.txt"
STAMP = VENV / "requirements.sha256"
# PyTorch's own index has wheels without CUDA; on Linux, PyPI's wheel needs gigabytes of it.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def say(text):
    """Progress goes to standard error; standard output is for the table."""
    print(text, file=sys.stderr, flush=True)


def call(*command):
    """Runs a command, its output on standard error, and gives up if it fails."""
    say("$ " + " ".join(str(word) for word in command))
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        sys.exit(f"failed: {' '.join(str(word) for word in command)}")


def make_venv():
    """Makes the virtual environment, unless it was made from the same requirements."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return
    call(sys.executable, "-m", "venv", "--clear", VENV)
    pip = [PYTHON, "-m", "pip", "install", "--progress-bar", "off", "--quiet"]
    call(*pip, "--upgrade", "pip")
    if platform.system() == "Linux":
        if reachable(TORCH_CPU_INDEX + "/torch/"):
            torch = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("torch=="))
            call(*pip, "--index-url", TORCH_CPU_INDEX, torch)
        else:
            say(f"{TORCH_CPU_INDEX} cannot be reached: PyTorch comes from PyPI, with CUDA, which takes 5 GB")
    call(*pip, "-r", REQUIREMENTS)
    STAMP.write_text(digest)


def go_on_with_peers(threads=None):
    """Runs this very script in the virtual environment, unless it does already, and on so many cores."""
    if pathlib.Path(sys.prefix) != VENV:
        make_venv()
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    if threads is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def reachable(address):
    """Whether an address answers."""
    try:
        with urllib.request.urlopen(address, timeout=20):
            return True
    except (urllib.error.URLError, OSError):
        return False


def build_programs(*names):
    """Builds the Rust programs of these names."""
    chosen = [word for name in names for word in ("--bin", name)]
    call("cargo", "build", "--release", "--package", "fireclay-bench", *chosen)


def prepare_data(data, names):
    """Prepares the data sets that are not prepared yet."""
    where = ["--data", data] if data else []
    call(PYTHON, BENCH / "prepare.py", *where, "--out", PREPARED, *sorted(names))
