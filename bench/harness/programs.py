"""The programs that are compared, and how one of them is run."""

import dataclasses
import json
import os
import subprocess

from harness.environment import BENCH, PREPARED, PROGRAMS, PYTHON, ROOT

LONGEST_S = 900
TASKS = ("train", "infer", "latency")
ALL = ("mlp", "cnn", "cifar", "lstm", "vgg", "resnet", "transformer", "lm")
CONVOLUTIONS = ("cnn", "cifar", "vgg", "resnet")


@dataclasses.dataclass(frozen=True)
class Program:
    """A framework with one way of using it."""

    framework: str
    variant: str
    command: tuple
    environment: tuple = ()
    workloads: tuple = ALL
    tasks: tuple = TASKS
    precision: str = "f32"


KERAS = (PYTHON, BENCH / "peers/keras_peer.py")
TORCH = (PYTHON, BENCH / "peers/torch_peer.py")
ONNX = (PYTHON, BENCH / "peers/onnx_peer.py")
LITERT = (PYTHON, BENCH / "peers/litert_peer.py")

# In the order in which they run.
PROGRAMS_IN_TURN = (
    Program("fireclay", "default", (PROGRAMS / "bench-fireclay",)),
    Program("keras-tensorflow", "default", KERAS, (("KERAS_BACKEND", "tensorflow"),)),
    Program("keras-jax", "default", KERAS, (("KERAS_BACKEND", "jax"),)),
    Program("pytorch", "eager", (*TORCH, "--variant", "eager")),
    Program("pytorch", "channels_last", (*TORCH, "--variant", "channels_last"), workloads=CONVOLUTIONS),
    Program("pytorch", "compile", (*TORCH, "--variant", "compile")),
    Program("fireclay", "default", (PROGRAMS / "bench-fireclay",), precision="bf16"),
    Program("pytorch", "eager", (*TORCH, "--variant", "eager"), precision="bf16"),
    Program("pytorch", "channels_last", (*TORCH, "--variant", "channels_last"), workloads=CONVOLUTIONS, precision="bf16"),
    Program("pytorch", "compile", (*TORCH, "--variant", "compile"), precision="bf16"),
    Program("onnxruntime", "default", (*ONNX, "--variant", "onnxruntime"), tasks=TASKS[1:]),
    Program("openvino", "default", (*ONNX, "--variant", "openvino"), tasks=TASKS[1:]),
    Program("litert", "default", LITERT, tasks=TASKS[1:]),
    Program("stock-burn", "default", (PROGRAMS / "bench-stock-burn",), workloads=ALL[:4]),
)
FRAMEWORKS = tuple(dict.fromkeys(program.framework for program in PROGRAMS_IN_TURN))


def run(program, workload, task, threads, seed, scale):
    """Runs a program once. What comes back is its line, or one with the field `error`."""
    command = [*program.command, "--workload", workload, "--task", task, "--data", PREPARED]
    command += ["--threads", str(threads), "--seed", str(seed), "--scale", str(scale)]
    if program.precision != "f32":
        command += ["--precision", program.precision]
    environment = os.environ | dict(program.environment) | {"TF_CPP_MIN_LOG_LEVEL": "3", "RUST_BACKTRACE": "0"}
    failed = {"framework": program.framework, "variant": program.variant, "workload": workload, "task": task,
              "precision": program.precision}  # fmt: skip
    try:
        done = subprocess.run(
            [str(word) for word in command], env=environment, cwd=ROOT, capture_output=True, text=True,
            timeout=LONGEST_S, preexec_fn=lambda: keep_on_cores(threads),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return failed | {"error": f"took more than {LONGEST_S} s"}
    except OSError as error:
        return failed | {"error": str(error)}
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}, and not a word"]
        return failed | {"error": said[-1][:200]}


def peak_gflops(threads):
    """What one thread and all of them can multiply and add, `{"f32": [one, all], "bf16": [one, all] or None}` in GFLOP/s,
    or None if it was not measured."""
    command = [PROGRAMS / "bench-kernels", "--peak", "--threads", str(threads)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=LONGEST_S,
            preexec_fn=lambda: keep_on_cores(threads),
        )  # fmt: skip
        return json.loads(done.stdout.strip().splitlines()[-1])["peak_gflops"]
    except (OSError, subprocess.SubprocessError, LookupError, TypeError, ValueError):
        return None


def keep_on_cores(threads):
    """Keeps this process, and what it starts, on as many cores as there are threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
