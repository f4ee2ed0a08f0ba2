#!/usr/bin/env python3
"""What becomes of a training on several hosts when one of them is lost: a rank is killed, stopped, or cut off from the network.

Hosts are network namespaces of this machine with a link each to a bridge, so it needs root, `ip` and `ethtool`. In every third round the
network is slow and loses packets. Each round trains by `launch` on all
hosts, lets something happen to a rank at random, and measures how long the others live on. Then the link is mended, the training goes on by
the command that was printed, and the model must be the one of an unbroken training, byte for byte. It ends with an error where one lives
longer than 30 seconds, or the model is another one.

    python3 bench/faults.py --data DIR/mnist --rounds 20
"""

import argparse
import contextlib
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from harness import environment
from harness.slow_hub import SlowHub

BRIDGE = "fireclay-br"
FAULTS = ["kill", "stop", "link down", "all packets lost"]
MOST_SECONDS = 30

# Of a slow network, each way: seconds, and the share of the packets that are lost.
DELAY, JITTER, LOSS = 0.002, 0.001, 0.005


def call(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def address(host):
    return f"10.83.0.{host + 1}"


@contextlib.contextmanager
def hosts(count):
    """Network namespaces, each called by its address, which is how ranks reach it."""
    take_down(count)
    call("ip", "link", "add", BRIDGE, "type", "bridge")
    call("ip", "link", "set", BRIDGE, "up")
    try:
        for host in range(count):
            name = address(host)
            call("ip", "netns", "add", name)
            call("ip", "link", "add", f"fc{host}", "type", "veth", "peer", "name", "eth0", "netns", name)
            call("ip", "link", "set", f"fc{host}", "master", BRIDGE, "up")
            call("ip", "-n", name, "addr", "add", f"{name}/24", "dev", "eth0")
            call("ip", "-n", name, "link", "set", "eth0", "up")
            # Frames as they are on a wire, for the hub that makes the network slow.
            call("ip", "netns", "exec", name, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
            call("ip", "-n", name, "link", "set", "lo", "up")
        yield [address(host) for host in range(count)]
    finally:
        take_down(count)


def take_down(count):
    for host in range(count):
        subprocess.run(["ip", "netns", "del", address(host)], capture_output=True)
        subprocess.run(["ip", "link", "del", f"fc{host}"], capture_output=True)
    subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True)


@contextlib.contextmanager
def network(count, is_slow):
    """The bridge, or a hub in its place that is slow and loses packets."""
    if not is_slow:
        yield None
        return
    for host in range(count):
        call("ip", "link", "set", f"fc{host}", "nomaster")
    with SlowHub([f"fc{host}" for host in range(count)], DELAY, JITTER, LOSS) as hub:
        yield hub
    for host in range(count):
        mend_host(host)


def break_host(host, fault, process, hub):
    if fault in {"kill", "stop"}:
        os.kill(process, signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
    elif fault == "link down":
        call("ip", "link", "set", f"fc{host}", "down")
    elif hub is not None:
        hub.cut_off(f"fc{host}")
    else:
        # Its link stays up, and leads nowhere.
        call("ip", "link", "set", f"fc{host}", "nomaster")


def mend_host(host):
    call("ip", "link", "set", f"fc{host}", "master", BRIDGE, "up")


def ranks():
    """The processes of the ranks, by their rank."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if any(variable.startswith(b"FIRECLAY_LAUNCHED=") for variable in variables):
                    [rank] = [variable for variable in variables if variable.startswith(b"RANK=")]
                    found[int(rank[5:])] = int(folder.name)
    return found


def lives(process):
    try:
        return " Z " not in pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1][:4]
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of MNIST's files")
    parser.add_argument("--program", default=str(environment.PROGRAMS / "mnist"))
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--limit", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    program, data = os.path.abspath(arguments.program), os.path.abspath(arguments.data)
    with hosts(arguments.hosts) as names, tempfile.TemporaryDirectory() as folder:
        launch = [program, "launch", "--hosts", ",".join(names), "--remote-shell", "ip netns exec"]
        # These hosts share memory, which real ones do not.
        launch += ["--engine", "tcp", "--threads-of-rank", "1", "--"]
        train = ["train", "--model", "mlp", "--data-dir", data, "--limit", str(arguments.limit), "--checkpoint-every", "20"]
        train += ["--epochs", str(arguments.epochs), "--batch-size", "60", "--seed", "1", "--out"]
        begin = time.perf_counter()
        call(*launch, *train, "whole.fireclay", cwd=folder)
        seconds = time.perf_counter() - begin
        whole = pathlib.Path(folder, "whole.fireclay").read_bytes()
        print(f"{arguments.hosts} hosts, unbroken: {seconds:.1f} s", flush=True)
        failed = False
        for number in range(arguments.rounds):
            fault, victim, is_slow = FAULTS[number % len(FAULTS)], draw.randrange(arguments.hosts), number % 3 == 2
            out = f"{number}.fireclay"
            with open(f"{folder}/said", "w+") as said, network(arguments.hosts, is_slow) as hub:
                running = subprocess.Popen([*launch, *train, out], cwd=folder, stdout=said, stderr=said)
                checkpoint = pathlib.Path(folder, out + ".checkpoint")
                while not checkpoint.exists():
                    time.sleep(0.05)
                time.sleep(draw.uniform(0.0, 0.6) * seconds)
                found = ranks()
                if len(found) < arguments.hosts:
                    print(f"round {number + 1}: the training had ended", flush=True)
                    running.wait()
                    continue
                break_host(victim, fault, found[victim], hub)
                begin = time.perf_counter()
                others = [process for rank, process in found.items() if rank != victim]
                while any(lives(process) for process in others) and time.perf_counter() - begin < 3 * MOST_SECONDS:
                    time.sleep(0.02)
                ended = time.perf_counter() - begin
                code = running.wait()
                said.seek(0)
                said = said.read()
            mend_host(victim)
            if code == 0:
                print(f"round {number + 1}: {fault}, when the training had ended", flush=True)
                failed |= pathlib.Path(folder, out).read_bytes() != whole
                continue
            command = re.findall(r"resume with: (.*)", said)
            if code != 75 or not command:
                print(said)
                sys.exit(f"round {number + 1}: exit code {code}, and no command that resumes")
            words = shlex.split(command[-1])
            resumed = subprocess.run([program, *words[words.index("launch") :]], cwd=folder, capture_output=True, text=True)
            same = resumed.returncode == 0 and pathlib.Path(folder, out).read_bytes() == whole
            failed |= not same or ended > MOST_SECONDS
            named = re.findall(rf"rank {victim} of {arguments.hosts} (?:on \S+ )?([^;\n]*)", said)
            print(
                f"round {number + 1}: rank {victim}, {fault}{f', slow network ({hub.passed:,} packets, {hub.lost:,} lost)' if hub else ''}: the others ended after {ended:.1f} s; "
                f"the model is {'the same' if same else 'another one'}; it was said that rank {victim} {named[0] if named else '-'}",
                flush=True,
            )
            if not same:
                print(resumed.stdout + resumed.stderr)
        if failed:
            sys.exit("not as promised")


if __name__ == "__main__":
    main()
