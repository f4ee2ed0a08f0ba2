"""Runs the apps with a real SuperLink and SuperNodes on 127.0.0.1, and compares what they give with averages made here.

    pip install -r requirements.txt
    FIRECLAY_MNIST=path/of/mnist python test_flower.py

It takes up to two minutes or so, three at most, and needs no network. Nothing is written outside a temporary folder.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import unittest
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from safetensors.numpy import load_file, save_file

APP = Path(__file__).resolve().parent
SCRIPTS = sysconfig.get_path("scripts")
MNIST = Path(os.environ.get("FIRECLAY_MNIST", "")).resolve()
DATA = ["--synthetic", "--limit", "1500", "--threads", "1"]
# None of them a default, and parts of unequal sizes, so that each setting and each weight of the average counts.
PARTS = [(1, 2), (3, 3), (2, 4)]
EPOCHS = 2
SPLIT = ["--split", "dirichlet=0.5", "--split-seed", "1"]
LOCAL = ["--batch-size", "16", "--learning-rate", "0.05", "--proximal-mu", "0.01", "--seed", "7"]
LIMIT_SECONDS = 600
ENDS = time.monotonic() + LIMIT_SECONDS


def seconds_left() -> float:
    return max(ENDS - time.monotonic(), 1)


def mnist(kind: str, *arguments: object) -> dict:
    """The record of this kind that the program prints."""
    command = [MNIST, *map(str, arguments), "--json"]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds_left())
    return next(record for record in map(json.loads, run.stdout.splitlines()) if record["type"] == kind)


def config(settings: dict) -> str:
    """Settings as Flower's commands take them, which is TOML on one line."""
    return " ".join(f"{name}={json.dumps(value)}" for name, value in settings.items())


class Federation:
    """A SuperLink and a SuperNode for each of the given node settings; `stop` ends them and all that they started."""

    def __init__(self, folder: Path, nodes: list[dict]):
        self.folder, self.processes = folder, []
        self.environment = os.environ | {
            "PATH": os.pathsep.join([SCRIPTS, os.environ["PATH"]]),
            "FLWR_HOME": str(folder / "flwr"),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
        }
        self.nodes = nodes

    def start(self) -> None:
        address = f"127.0.0.1:{free_port()}"
        Path(self.folder, "flwr").mkdir()
        Path(self.folder, "flwr", "config.toml").write_text(
            f'[superlink.loopback]\naddress = "{address}"\ninsecure = true\n'
        )
        # Without the flag the SuperLink installs the dependencies of an app from the network, for each run.
        self.launch("flower-superlink", "--insecure", "--port", address.split(":")[1],
                    "--disable-runtime-dependency-installation")  # fmt: skip
        while not listens(address):
            if self.processes[0].poll() is not None or time.monotonic() > ENDS:
                raise RuntimeError("the SuperLink did not start\n" + self.logs())
            time.sleep(0.1)
        for settings in self.nodes:
            self.launch("flower-supernode", "--insecure", "--superlink", address, "--port", str(free_port()),
                        "--node-config", config(settings))  # fmt: skip

    def launch(self, *command: str) -> None:
        with open(self.folder / f"{len(self.processes)}-{command[0]}.log", "w") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)

    def submit(self, **settings: object) -> str:
        """Begins a run of the apps and returns its number."""
        settings = {name.replace("_", "-"): value for name, value in settings.items()}
        return json.loads(
            self.flwr("run", APP, "loopback", "--format", "json", "--run-config", config(settings))
        )["run-id"]

    def end_of(self, run: str) -> tuple[str, str]:
        """Waits for the end of a run; returns its status and what the ServerApp logged."""
        log = self.flwr("log", run, "loopback", "--stream")
        runs = json.loads(self.flwr("list", "loopback", "--format", "json"))["runs"]
        return next(found["status"] for found in runs if found["run-id"] == run), log

    def flwr(self, *arguments: object) -> str:
        command = ["flwr", *map(str, arguments)]
        run = subprocess.run(command, cwd=self.folder, env=self.environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds_left())  # fmt: skip
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{run.stdout}{run.stderr}\n{self.logs()}")
        return run.stdout

    def logs(self) -> str:
        return "\n".join(f"{log.name}:\n{log.read_text()}" for log in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # Their own processes end when they miss their parents.
        patience = time.monotonic() + 10
        while (left := self.left()) and time.monotonic() < patience:
            time.sleep(0.2)
        for process in left:
            os.kill(process, signal.SIGKILL)

    def left(self) -> list[int]:
        """Processes with this federation's FLWR_HOME, where the system shows them."""
        mark, found = f"FLWR_HOME={self.environment['FLWR_HOME']}".encode(), []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in environment.read_bytes().split(b"\0"):
                    found.append(int(environment.parent.name))
            except OSError:
                pass
        return found


@contextmanager
def federation(nodes: list[dict]):
    with TemporaryDirectory(prefix="fireclay-flower-") as folder:
        running = Federation(Path(folder).resolve(), nodes)
        try:
            running.start()
            yield running
        finally:
            running.stop()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def rounds_by_hand(folder: Path, begin: Path, rounds: int) -> list[dict]:
    """What FedAvg must give after each round: means of what clients come to, weighted by their samples."""
    means, weights = [], folder / "by-hand.safetensors"
    mnist("written", "federate", "weights", begin, "--out", weights)
    for number in range(rounds):
        updates, samples = [], []
        for part, parts in PARTS:
            out = folder / "update.safetensors"
            update = mnist(
                "local_update", "federate", "round", begin, "--weights", weights, "--out", out,
                "--epochs", EPOCHS, "--first-epoch", number * EPOCHS, "--part", f"{part}/{parts}",
                *SPLIT, *LOCAL, *DATA,
            )  # fmt: skip
            updates.append(load_file(out))
            samples.append(update["samples"])
        assert len(set(samples)) == len(PARTS), f"equal numbers of samples, {samples}, would not tell a weighted mean"
        mean = {name: np.average([u[name].astype(np.float64) for u in updates], 0, samples) for name in updates[0]}
        means.append(mean)
        save_file({name: value.astype(np.float32) for name, value in mean.items()}, weights)
    return means


class FlowerTest(unittest.TestCase):
    def test_three_nodes_come_to_the_weighted_mean(self):
        local = dict(zip([flag[2:].replace("-", "_") for flag in LOCAL[::2]], map(json.loads, LOCAL[1::2])))
        settings = dict(program=str(MNIST), model="begin.fireclay", flags=" ".join(DATA), split=SPLIT[1],
                        split_seed=int(SPLIT[3]), local_epochs=EPOCHS, min_nodes=len(PARTS), **local)  # fmt: skip
        with federation([{"partition-id": part - 1, "num-partitions": parts} for part, parts in PARTS]) as flower:
            folder, begin = flower.folder, flower.folder / "begin.fireclay"
            mnist("saved", "federate", "init", "--model", "mlp", *DATA, "--out", begin)
            expected = rounds_by_hand(folder, begin, 3)
            losses = [mnist("evaluation", "evaluate", begin, *DATA)["loss"]]
            # Both at once, as most of the time is waiting.
            outs = {rounds: folder / f"after-{rounds}.fireclay" for rounds in (1, 3)}
            runs = {r: flower.submit(num_server_rounds=r, out=str(out), **settings) for r, out in outs.items()}
            for rounds, out in outs.items():
                status, log = flower.end_of(runs[rounds])
                self.assertEqual(status, "finished:completed", log + flower.logs())
                self.assertEqual(log.count(f"Received {len(PARTS)} results and 0 failures"), 2 * rounds, log)
                # Weights.
                weights = folder / "after.safetensors"
                mnist("written", "federate", "weights", out, "--out", weights)
                found = load_file(weights)
                self.assertEqual(found.keys(), expected[rounds - 1].keys())
                for name, mean in expected[rounds - 1].items():
                    difference = np.abs(found[name] - mean).max()
                    self.assertLessEqual(difference, 1e-6, f"{name} after round {rounds}")
                # The nodes' evaluation is that of the model file, as all have the same test data.
                losses.append(mnist("evaluation", "evaluate", out, *DATA)["loss"])
                reported = re.findall(r"Aggregated MetricRecord: .*'loss': ([-+.e\d]+)", log)
                self.assertAlmostEqual(float(reported[-1]), losses[-1], delta=1e-5, msg=log)
            self.assertTrue(losses[0] > losses[1] > losses[2], f"test losses after rounds 0, 1 and 3: {losses}")

    def test_what_is_wrong_with_a_node_is_in_the_log(self):
        wrong = [{"program": "/nowhere/mnist", "flags": "--synthetic"}, {"flags": "--data-dir /nowhere/data"}]
        with federation(wrong) as flower:
            begin = flower.folder / "begin.fireclay"
            mnist("saved", "federate", "init", "--model", "mlp", *DATA, "--out", begin)
            run = flower.submit(num_server_rounds=1, program=str(MNIST), model=str(begin), out="x.fireclay", min_nodes=2)
            status, log = flower.end_of(run)
            self.assertEqual(status, "finished:failed", log)
            self.assertIn("cannot run /nowhere/mnist: No such file or directory", log)
            self.assertIn("cannot read /nowhere/data", log)
            self.assertIn("no client trained", log)
            self.assertFalse((flower.folder / "x.fireclay").exists())


if __name__ == "__main__":
    if not MNIST.is_file():
        sys.exit("set FIRECLAY_MNIST to the path of the program mnist")
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    unittest.main(verbosity=2)
