"""The programs that are compared, and how one of them is run."""

import dataclasses
import json
import os
import subprocess

from harness.environment import BENCH, PREPARED, PROGRAMS, PYTHON, ROOT

LONGEST_S = 900
TASKS = ("train", "infer", "latency")
SMALL = ("mlp", "cnn", "cifar", "lstm")
ALL = (*SMALL, "vgg", "resnet", "transformer", "lm")
CONVOLUTIONS = ("cnn", "cifar", "vgg", "resnet")


@dataclasses.dataclass(frozen=True)
class Program:
    """A framework with one way of using it."""

    framework: str
    variant: str
    command: tuple
    environment: tuple = ()
    workloads: tuple = SMALL
    tasks: tuple = TASKS
    precision: str = "f32"


KERAS = (PYTHON, BENCH / "peers/keras_peer.py")
TORCH = (PYTHON, BENCH / "peers/torch_peer.py")
ONNX = (PYTHON, BENCH / "peers/onnx_peer.py")

# In the order in which they run.
PROGRAMS_IN_TURN = (
    Program("fireclay", "default", (PROGRAMS / "bench-fireclay",), workloads=ALL),
    Program("keras-tensorflow", "default", KERAS, (("KERAS_BACKEND", "tensorflow"),)),
    Program("keras-jax", "default", KERAS, (("KERAS_BACKEND", "jax"),)),
    Program("pytorch", "eager", (*TORCH, "--variant", "eager"), workloads=ALL),
    Program("pytorch", "channels_last", (*TORCH, "--variant", "channels_last"), workloads=CONVOLUTIONS),
    Program("pytorch", "compile", (*TORCH, "--variant", "compile"), workloads=ALL),
    Program("fireclay", "default", (PROGRAMS / "bench-fireclay",), workloads=ALL, precision="bf16"),
    Program("pytorch", "eager", (*TORCH, "--variant", "eager"), workloads=ALL, precision="bf16"),
    Program("pytorch", "channels_last", (*TORCH, "--variant", "channels_last"), workloads=CONVOLUTIONS, precision="bf16"),
    Program("pytorch", "compile", (*TORCH, "--variant", "compile"), workloads=ALL, precision="bf16"),
    Program("onnxruntime", "default", (*ONNX, "--variant", "onnxruntime"), workloads=ALL, tasks=TASKS[1:]),
    Program("openvino", "default", (*ONNX, "--variant", "openvino"), workloads=ALL, tasks=TASKS[1:]),
    Program("stock-burn", "default", (PROGRAMS / "bench-stock-burn",)),
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


def keep_on_cores(threads):
    """Keeps this process, and what it starts, on as many cores as there are threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
