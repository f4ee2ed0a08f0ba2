#!/usr/bin/env python3
"""`fireclay serve` beside Python servers: requests a second, latency, and overload at ten times the rate.

    cargo build --release --bin fireclay --bin mnist
    python3 bench/serving.py

asks each server in turn for the classes of one picture, the same 784 numbers as JSON, over keep-alive connections of the
loopback address, and prints tables; raw runs go to bench/runs/serving-DATE-MACHINE.txt. All servers and what asks them share the
same cores, two by default. The servers are FastAPI on uvicorn with onnxruntime or PyTorch, and LitServe and BentoML with their
batching; each in several variants, of which the best in each row counts. `Sockets alone` reads and answers and computes nothing: the
most that any server could reach on these cores beside what asks it. It needs Linux, Python 3.11, a C compiler and `wrk`, and
takes under twenty minutes once the virtual environment is made.
"""

import argparse
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from harness import environment, machine
from harness.environment import BENCH, ROOT, say

HERE = BENCH / "serving"
RUNS = BENCH / "runs"
MODELS = ("mlp", "cnn")
CONNECTIONS = (1, 8, 64, 256)
# The variants of a server are compared at these, before the rounds.
TRIAL = (1, 64)
CLEARLY = 1.1
TOLERANCE = 1e-4
JSON_TYPE = ("Content-Type", "application/json")

# Overload.
FACTOR = 10
QUEUE, DEADLINE_MS = 64, 100
SLOWEST_REFUSAL_MS = 50
FIRST_ANSWER_US = 150
# As many as make ten times as much wait as the queue takes, where the rate itself cannot be reached.
OVERLOAD_CONNECTIONS = FACTOR * QUEUE


@dataclasses.dataclass(frozen=True)
class Variant:
    """A server, and how it is started."""

    server: str
    name: str
    command: tuple
    environment: tuple = ()

    @property
    def key(self):
        return f"{self.server}, {self.name}" if self.name else self.server


@dataclasses.dataclass(frozen=True)
class HttpRequest:
    """A request: path, headers, body and the file that holds the body."""

    path: str
    headers: tuple
    body: bytes
    file: pathlib.Path

    def raw(self):
        """Its bytes as they are sent."""
        headers = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body


FIRECLAY, BINARY, SOCKETS = "Fireclay", "Fireclay, binary tensors", "Sockets alone"


def variants(flags):
    """All servers in all variants, in the order in which they run. In a command, `{model}` is the path of a model file without its
    ending."""
    python = flags.python
    fastapi = (python, HERE / "fastapi_server.py", "--model", "{model}", "--port", "{port}")
    litserve = (python, HERE / "litserve_server.py", "--engine", "onnxruntime", "--model", "{model}", "--port", "{port}")
    bentoml = (python, "-m", "bentoml", "serve", "bentoml_server:Pictures", "--host", "127.0.0.1", "--port", "{port}",
               "--working-dir", HERE)  # fmt: skip
    fireclay = (flags.fireclay, "serve", "{model}.fireclay", "--port", "{port}", "--grace", "0", "--quiet")
    found = [Variant(FIRECLAY, "", fireclay)]
    # One process with one thread leaves the other core to what asks; two threads are for networks that gain by them.
    layouts = {"1 worker": (1, 1), "1 worker with 2 threads": (1, 2), "2 workers": (2, 1)}
    for words, (workers, threads) in layouts.items():
        command = (*fastapi, "--engine", "onnxruntime", "--workers", str(workers), "--threads", str(threads))
        found.append(Variant("FastAPI + onnxruntime", words, command))
    for engine in ("eager", "compile"):
        for words, (workers, threads) in layouts.items():
            command = (*fastapi, "--engine", f"pytorch-{engine}", "--workers", str(workers), "--threads", str(threads))
            found.append(Variant("FastAPI + PyTorch", f"{engine}, {words}", command))
    found.append(Variant("LitServe + onnxruntime", "default queue", (*litserve, "--batch-timeout", "0.001")))
    found.append(Variant("LitServe + onnxruntime", "fast queue", (*litserve, "--batch-timeout", "0.001", "--fast-queue")))
    variables = (("ENGINE", "onnxruntime"), ("MODEL", "{model}"), ("THREADS", "1"), ("BENTOML_DO_NOT_TRACK", "True"),
                 ("BENTOML_HOME", str(flags.environments / "bentoml")))  # fmt: skip
    found.append(Variant("BentoML + onnxruntime", "", bentoml, variables))
    return [variant for variant in found if variant.server in flags.servers]


SERVERS = (FIRECLAY, "FastAPI + onnxruntime", "FastAPI + PyTorch", "LitServe + onnxruntime", "BentoML + onnxruntime")


# What a run needs.


def make_environment(folder):
    """The servers' virtual environment in a folder, unless it was made from the same requirements."""
    venv, requirements = folder / "peers", HERE / "requirements.txt"
    python, stamp = venv / "bin/python", venv / "requirements.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    environment.call(sys.executable, "-m", "venv", "--clear", venv)
    pip = [python, "-m", "pip", "install", "--progress-bar", "off", "--quiet"]
    environment.call(*pip, "--upgrade", "pip")
    if environment.reachable(environment.TORCH_CPU_INDEX + "/torch/"):
        torch = next(line for line in requirements.read_text().splitlines() if line.startswith("torch=="))
        environment.call(*pip, "--index-url", environment.TORCH_CPU_INDEX, torch)
    else:
        say(f"{environment.TORCH_CPU_INDEX} cannot be reached: PyTorch comes from PyPI, with CUDA, which takes 5 GB")
    environment.call(*pip, "-r", requirements)
    stamp.write_text(digest)
    return python


def make_models(flags):
    """The model files that are not there yet, trained a little, since their speed is the same whatever they have learnt."""
    flags.models.mkdir(parents=True, exist_ok=True)
    data = ["--data-dir", pathlib.Path(flags.data) / "mnist"] if flags.data else ["--synthetic"]
    for name in (*MODELS, flags.slow_model):
        file = flags.models / f"{name}.fireclay"
        if not file.exists():
            environment.call(flags.mnist, "train", "--quiet", "--model", name, "--epochs", "1", "--limit", "2000", *data,
                             "--out", file)  # fmt: skip
        if name not in MODELS:
            continue
        for format, ending, more in (("onnx", ".onnx", ["--probabilities"]), ("pytorch", ".py", [])):
            out = file.with_suffix(ending)
            if not out.exists() or out.stat().st_mtime < file.stat().st_mtime:
                environment.call(flags.fireclay, "export", "--quiet", file, "--format", format, *more, "--out", out)


def make_program(folder, name):
    """One of the C programs beside this script."""
    program = folder / name
    environment.call("cc", "-O2", "-o", program, (HERE / name).with_suffix(".c"))
    return program


def picture():
    """A seven as someone writes it, 28 by 28 bytes: about as much ink as the digits of MNIST have."""
    strokes = [((6, 7), (21, 6)), ((21, 6), (12, 23))]

    def ink(x, y):
        nearest = min(distance((x, y), *stroke) for stroke in strokes)
        return round(255 * min(max(2.0 - nearest, 0.0), 1.0))

    return [[ink(x, y) for x in range(28)] for y in range(28)]


def distance(point, start, end):
    """From a point to a line between two others."""
    (x, y), (x1, y1), (x2, y2) = point, start, end
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2)
    along = min(max(along, 0.0), 1.0)
    return math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1))


def make_requests(folder, names):
    """The request to each model, in each of the forms: `json` for the peers, `predict` and `binary` for Fireclay, and `batch` with
    16 pictures as bytes."""
    rows = picture()
    flat = [byte / 255 for row in rows for byte in row]
    # As Python writes the picture's numbers divided by 255.
    text = json.dumps({"instances": [[[[byte / 255 for byte in row] for row in rows]]]}, separators=(",", ":")).encode()
    requests = {}
    for name in names:
        requests[name, "json"] = make_request(folder, name, "json", "/predict", (JSON_TYPE,), text)
        requests[name, "predict"] = make_request(folder, name, "predict", f"/v1/models/{name}:predict", (JSON_TYPE,), text)
        floats = binary(1, "FP32", struct.pack("<784f", *flat))
        requests[name, "binary"] = make_request(folder, name, "binary", f"/v2/models/{name}/infer", *floats)
        bytes_of_16 = binary(16, "UINT8", bytes(byte for row in rows for byte in row) * 16)
        requests[name, "batch"] = make_request(folder, name, "batch", f"/v2/models/{name}/infer", *bytes_of_16)
    return requests


def make_request(folder, name, form, path, headers, body):
    file = folder / f"{name}.{form}"
    file.write_bytes(body)
    return HttpRequest(path, headers, body, file)


def binary(samples, datatype, values):
    """Headers and body of a request with a binary tensor of pictures."""
    tensor = {"name": "input", "shape": [samples, 1, 28, 28], "datatype": datatype,
              "parameters": {"binary_data_size": len(values)}}  # fmt: skip
    head = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    headers = (("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", str(len(head))))
    return headers, head + values


# Servers and what asks them.


class Running:
    """A server process, which ends with the block."""

    def __init__(self, variant, model, request, log, more=()):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        fill = {"model": model, "port": self.port}
        command = [str(word).format(**fill) for word in variant.command] + list(more)
        variables = {name: value.format(**fill) for name, value in variant.environment}
        self.variant, self.request, self.log = variant, request, log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=os.environ | variables, cwd=HERE, stdout=out, stderr=out, start_new_session=True
            )

    def __enter__(self):
        """Waits for its first answer."""
        try:
            for _ in range(1200):
                if self.process.poll() is not None:
                    break
                try:
                    self.ask()
                    return self
                except OSError:
                    time.sleep(0.1)
        except BaseException:
            self.__exit__()
            raise
        self.__exit__()
        said = self.log.read_text(errors="replace").strip().splitlines() or ["and not a word"]
        raise RuntimeError(f"{self.variant.key} does not answer: {said[-1]}")

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def url(self, request=None):
        return f"http://127.0.0.1:{self.port}{(request or self.request).path}"

    def ask(self, request=None):
        """The answer to a request, as bytes and headers."""
        request = request or self.request
        request = urllib.request.Request(self.url(request), request.body, dict(request.headers))
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers

    def memory_kb(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        return 0

    def wrk(self, connections, seconds, request=None):
        """What `wrk` measures: each connection asks as soon as it is answered."""
        request = request or self.request
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "post.lua",
                   self.url(request), "--", request.file, *(word for header in request.headers for word in header)]  # fmt: skip
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        lines = done.stdout.strip().splitlines()
        if done.returncode != 0 or not lines or not lines[-1].startswith("{"):
            raise RuntimeError(f"wrk: {(done.stderr or done.stdout).strip()[-300:]}")
        found = json.loads(lines[-1])
        good = found["requests"] - found["refused"]
        return {"requests_per_s": round(good / found["seconds"], 1)} | found


def probabilities(variant, answer):
    """Those of the one picture, in a server's answer."""
    answer = json.loads(answer)
    if variant.server == FIRECLAY:
        return answer["predictions"][0]["probabilities"]
    return answer[0] if isinstance(answer, list) else answer["predictions"][0]


def check(words, found, expected):
    """All servers must answer the same."""
    worst = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    if worst > TOLERANCE:
        sys.exit(f"{words}: a probability is {worst:.2g} from Fireclay's; expected {TOLERANCE} at most")
    return worst


def binary_probabilities(running, request):
    """Those of the answer to a binary tensor, whose values are JSON unless asked for otherwise."""
    answer, _ = running.ask(request)
    output = next(output for output in json.loads(answer)["outputs"] if output["name"] == "probabilities")
    return output["data"][:10]


# Measuring.


class Record:
    """The raw runs: a line of JSON for each, below lines that begin with `#`."""

    def __init__(self, path, head):
        self.path, self.head, self.runs = path, head, []
        if path:
            RUNS.mkdir(exist_ok=True)
            path.write_text("".join(f"# {line}\n" for line in head))

    def add(self, **run):
        self.runs.append(run)
        if self.path:
            with self.path.open("a") as file:
                file.write(json.dumps(run) + "\n")

    def end(self, text):
        if self.path:
            with self.path.open("a") as file:
                file.write("\n" + text + "\n")
            say(f"raw runs: {self.path}")


def trial(flags, record, requests, work, model):
    """Starts every variant of every server, checks that it answers the same, and returns those to measure: of each server the
    fastest at many connections, and the fastest at a single one if that is clearly another."""
    kept, tried, expected = [], {}, None
    for variant in variants(flags):
        form = "predict" if variant.server == FIRECLAY else "json"
        named = {"model": model, "server": variant.server, "variant": variant.name}
        try:
            with Running(variant, flags.models / model, requests[model, form], work / "log") as running:
                found = probabilities(variant, running.ask()[0])
                expected = expected or found
                off = check(f"{model}, {variant.key}", found, expected)
                if variant.server == FIRECLAY:
                    check(f"{model}, {BINARY}", binary_probabilities(running, requests[model, "binary"]), expected)
                    kept.append(variant)
                    continue
                running.wrk(8, 1)
                for connections in TRIAL:
                    measured = running.wrk(connections, 1)
                    tried[variant, connections] = measured["requests_per_s"]
                    record.add(kind="trial", **named, connections=connections, difference=off, **measured)
                say(f"{model}, {variant.key}: answers within {off:.1g} of Fireclay's; "
                    + ", ".join(f"{tried[variant, at]:,.0f}/s at {at}" for at in TRIAL))  # fmt: skip
        except RuntimeError as error:
            say(f"{model}: {error}")
            record.add(kind="trial", **named, error=str(error))
    for server in SERVERS[1:]:
        of = [variant for variant in variants(flags) if variant.server == server and (variant, TRIAL[-1]) in tried]
        one, many = (max(of, key=lambda variant, at=at: tried[variant, at], default=None) for at in TRIAL)
        kept += [many] if many else []
        if one and tried[one, TRIAL[0]] > CLEARLY * tried[many, TRIAL[0]]:
            kept.append(one)
    return kept


def measure(flags, record, requests, work, turn, model, variant):
    """One server, started anew, in one round."""
    form = "predict" if variant.server == FIRECLAY else "json"
    forms = [(variant.server, requests[model, form])]
    if variant.server == FIRECLAY:
        forms.append((BINARY, requests[model, "binary"]))
    try:
        with Running(variant, flags.models / model, requests[model, form], work / "log") as running:
            for server, request in forms:
                named = {"model": model, "server": server, "variant": variant.name}
                running.wrk(8, 1, request)
                for connections in CONNECTIONS:
                    found = running.wrk(connections, flags.seconds, request)
                    record.add(kind="load", round=turn, **named, connections=connections, **found)
                    lost = f", {found['refused']} refused, {found['failed']} failed" if found["refused"] + found["failed"] else ""
                    say(f"round {turn}: {', '.join(word for word in named.values() if word)}, {connections} connections: "
                        f"{found['requests_per_s']:,.0f}/s, p50 {found['p50_us']} µs, p99 {found['p99_us']} µs{lost}")  # fmt: skip
    except RuntimeError as error:
        say(f"round {turn}: {model}: {error}")
        record.add(kind="load", round=turn, model=model, server=variant.server, variant=variant.name, error=str(error))


def overload_cases(flags):
    """Model, form of the request, and its samples. Reading JSON takes as long as computing a small network, so ten times its
    rate cannot be read on the same cores; a larger network and pictures as bytes leave room for it."""
    return [("cnn", "predict", 1), ("cnn", "binary", 1), (flags.slow_model, "batch", 16)]


def overload(flags, record, requests, work, load, turn):
    """Part three: ten times as many requests as are answered, at a constant rate."""
    variant = next(variant for variant in variants(flags) if variant.server == FIRECLAY)
    more = ("--queue", str(QUEUE), "--deadline", str(DEADLINE_MS))
    for model, form, samples in overload_cases(flags):
        request = requests[model, form]
        raw = work / "raw"
        raw.write_bytes(request.raw())
        try:
            with Running(variant, flags.models / model, request, work / "log", more) as running:
                # As many as may wait, so that none is refused.
                capacity = running.wrk(QUEUE // samples, flags.seconds)
                rate = FACTOR * capacity["requests_per_s"]
                # So that the memory of all connections counts as before.
                run_load(load, running, rate, 1, raw)
                time.sleep(1)
                before = running.memory_kb()
                found, during = run_load(load, running, rate, 2 * flags.seconds, raw)
                time.sleep(1)
                after = running.memory_kb()
                # It answers as before.
                running.ask()
            record.add(kind="overload", round=turn, model=model, form=form, samples=samples, connections=OVERLOAD_CONNECTIONS,
                       capacity_per_s=capacity["requests_per_s"], rate=round(rate), memory_before_kb=before,
                       memory_during_kb=during, memory_after_kb=after, **found)  # fmt: skip
            counts = ", ".join(f"{status}: {answers['count']}" for status, answers in found["answers"].items())
            say(f"round {turn}: overload of {model}, {form}: {rate:,.0f}/s offered, "
                f"{found['sent'] / found['seconds']:,.0f}/s sent; {counts}")  # fmt: skip
        except (RuntimeError, OSError) as error:
            say(f"round {turn}: overload of {model}, {form}: {error}")
            record.add(kind="overload", round=turn, model=model, form=form, samples=samples, error=str(error))


def run_load(load, running, rate, seconds, raw):
    """Sends requests at a constant rate; the result, and the most memory that the server had resident, in kB."""
    command = [load, str(running.port), str(OVERLOAD_CONNECTIONS), str(rate), str(seconds), raw]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        most = max(most, running.memory_kb())
        time.sleep(0.1)
    out = process.stdout.read()
    if process.returncode != 0:
        raise RuntimeError(f"{load.name} ended with {process.returncode}")
    return json.loads(out), most


# Tables.


def report(runs):
    """All of it as Markdown."""
    parts = []
    for model in MODELS:
        of = [run for run in runs if run.get("kind") == "load" and run["model"] == model and "error" not in run]
        if of:
            parts += [f"### `{model}`: requests a second, and latency p50 / p99", load_table(of), first_answer(model, of)]
    parts += overload_report([run for run in runs if run.get("kind") == "overload"])
    return "\n\n".join(part for part in parts if part)


def best_variant(runs, server, connections):
    """The medians of the variant that answers most, as (requests/s, p50, p99, least, most, variant), or None."""
    found = []
    of = [run for run in runs if run["server"] == server and run["connections"] == connections]
    for variant in dict.fromkeys(run["variant"] for run in of):
        one = [run for run in of if run["variant"] == variant]
        rates = [run["requests_per_s"] for run in one]
        middle = [statistics.median(run[field] for run in one) for field in ("p50_us", "p99_us")]
        found.append((statistics.median(rates), *middle, min(rates), max(rates), variant))
    return max(found, default=None)


def load_table(runs):
    servers = [server for server in (*SERVERS[:1], BINARY, *SERVERS[1:], SOCKETS) if any(run["server"] == server for run in runs)]
    rows = [["", *(f"{at} connection{'s' * (at > 1)}" for at in CONNECTIONS)]]
    best = {}
    for server in servers:
        row = [server]
        for connections in CONNECTIONS:
            cell = best_variant(runs, server, connections)
            row.append("-" if cell is None else in_words(cell))
            if cell and server in SERVERS[1:]:
                best[connections] = max(best.get(connections, 0), cell[0])
        rows.append(row)
    for server in (FIRECLAY, SOCKETS):
        ratios = [f"**{server} to the best peer, requests/s**"]
        for connections in CONNECTIONS:
            own = best_variant(runs, server, connections)
            ratios.append(f"**{own[0] / best[connections]:.2f}**" if own and best.get(connections) else "-")
        rows.append(ratios)
    lost = sum(run["refused"] + run["failed"] for run in runs)
    note = f"\n\n{lost:,} requests of this table were refused or failed." if lost else ""
    return markdown(rows) + note


def in_words(cell):
    rate, p50, p99, least, most, variant = cell
    spread = f" ({least:,.0f}..{most:,.0f})" if least < most else ""
    return f"{rate:,.0f}{spread}; {time_of(p50)} / {time_of(p99)}" + (f"; {variant}" if variant else "")


def time_of(us):
    return f"{us:,.0f} µs" if us < 10_000 else f"{us / 1e3:,.0f} ms"


def first_answer(model, runs):
    """The latency of a single connection."""
    words, one = [], [run for run in runs if run["connections"] == 1]
    for server in (FIRECLAY, BINARY, *SERVERS[1:], SOCKETS):
        names = {run["variant"] for run in one if run["server"] == server}
        medians = [(p50_of(one, server, name), name) for name in names]
        if medians:
            p50, name = min(medians)
            words.append(f"{server} {p50:,.0f} µs" + (f" ({name})" if name else ""))
    target = ""
    if any(run["server"] == FIRECLAY for run in one):
        met = "met" if p50_of(one, FIRECLAY, "") < FIRST_ANSWER_US else "not met"
        target = f" Target for Fireclay: under {FIRST_ANSWER_US} µs, {met}."
    return f"`{model}`, p50 of a single keep-alive connection: {', '.join(words)}.{target}"


def p50_of(runs, server, name):
    return statistics.median(run["p50_us"] for run in runs if (run["server"], run["variant"]) == (server, name))


def overload_report(runs):
    good = [run for run in runs if "error" not in run]
    if not good:
        return []
    parts = [
        "### Overload",
        f"`fireclay serve --queue {QUEUE} --deadline {DEADLINE_MS}`, offered requests at a constant rate of {FACTOR} times what it "
        f"answers in a closed loop. The program that sends them shares the cores with the server. It has {OVERLOAD_CONNECTIONS} "
        "connections with one request under way on each at most; what is scheduled while all of them wait is sent later or never. "
        "Times are those of the client, from sending. Medians over the rounds; the slowest refusal is that of all rounds.",
    ]
    for case in dict.fromkeys((run["model"], run["form"], run["samples"]) for run in good):
        parts.append(overload_words(*case, [run for run in good if (run["model"], run["form"], run["samples"]) == case]))
    return parts


FORMS = {"predict": "one picture as JSON", "binary": "one picture as a binary tensor", "batch": "16 pictures as a binary tensor"}


def overload_words(model, form, samples, runs):
    """A paragraph on one case."""

    def middle(value):
        return statistics.median(value(run) for run in runs)

    def count(run, status):
        return run["answers"].get(status, {"count": 0})["count"]

    def share(status):
        return middle(lambda run: count(run, status) / run["sent"])

    def milliseconds(status, field):
        return statistics.median(run["answers"][status]["us"][field] / 1e3 for run in runs if status in run["answers"])

    capacity, served = middle(lambda run: run["capacity_per_s"]), middle(lambda run: count(run, "200") / run["answered_s"])
    offered, sent = (middle(lambda run, field=field: run[field] / run["seconds"]) for field in ("offered", "sent"))
    statuses = sorted({status for run in runs for status in run["answers"]} - {"200", "429"})
    others = ", ".join(f"{status}: {share(status):.2%}" for status in statuses) or "none"
    words = [
        f"**`{model}`, {FORMS[form]}.** Closed loop of {QUEUE // samples} connections: {capacity:,.0f} requests/s.",
        f"Offered {offered:,.0f}/s, sent {sent:,.0f}/s, answered with 200 {served:,.0f}/s ({served / capacity:.0%} of the closed "
        f"loop): offered to answered {offered / max(served, 1e-9):.1f} : 1, sent to answered {sent / max(served, 1e-9):.1f} : 1.",
        f"Of those sent, 200: {share('200'):.1%}, 429: {share('429'):.1%}, others: {others}; "
        f"{sum(run['failed'] + run['unanswered'] for run in runs)} were not answered.",
    ]
    if served:
        words.append(f"Answered with 200: p50 {milliseconds('200', 'p50'):.1f} ms, p99 {milliseconds('200', 'p99'):.1f} ms, where "
                     f"{DEADLINE_MS} ms is the most that one may wait for the model.")  # fmt: skip
    refused = [run["answers"]["429"]["us"]["max"] / 1e3 for run in runs if "429" in run["answers"]]
    if refused:
        met = "met" if max(refused) < SLOWEST_REFUSAL_MS else "not met"
        words.append(f"Refused with 429: p99 {milliseconds('429', 'p99'):.1f} ms, slowest {max(refused):.1f} ms; target: under "
                     f"{SLOWEST_REFUSAL_MS} ms, {met}.")  # fmt: skip
    else:
        words.append("None was refused with 429: reading requests was the limit, and not the model.")
    memory = [middle(lambda run, field=field: run[f"memory_{field}_kb"]) / 1e3 for field in ("before", "during", "after")]
    growth = middle(lambda run: run["memory_after_kb"] / run["memory_before_kb"] - 1)
    sizes = ", ".join(f"{size:.1f}" for size in memory)
    words.append(f"Resident memory before, at most during, and after: {sizes} MB ({growth:+.1%}).")
    return " ".join(words)


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


# The whole.


def read_flags():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    programs = environment.PROGRAMS
    parser.add_argument("--fireclay", metavar="PATH", type=pathlib.Path, default=programs / "fireclay",
                        help="[default: target/release/fireclay]")
    parser.add_argument("--mnist", metavar="PATH", type=pathlib.Path, default=programs / "mnist",
                        help="program that trains the models [default: target/release/mnist]")
    parser.add_argument("--models", metavar="FOLDER", type=pathlib.Path, default=ROOT / "target/bench-serving/models",
                        help="model files, made if they are not there [default: target/bench-serving/models]")
    parser.add_argument("--environments", metavar="FOLDER", type=pathlib.Path, default=ROOT / "target/bench-serving",
                        help="where the virtual environment is, or is made [default: target/bench-serving]")
    parser.add_argument("--data", metavar="DIR", default=os.environ.get("FIRECLAY_TEST_DATA"),
                        help="folder with mnist/ to train on [default: $FIRECLAY_TEST_DATA, else synthetic digits]")
    parser.add_argument("--rounds", metavar="N", type=int, default=3, help="[default: 3]")
    parser.add_argument("--seconds", metavar="N", type=int, default=3, help="of a measurement [default: 3]")
    parser.add_argument("--minutes", metavar="N", type=float, default=19.5,
                        help="a round after the first that would end later is left out [default: 19.5]")
    parser.add_argument("--cores", metavar="N", type=int, default=2, help="for servers and what asks them [default: 2]")
    parser.add_argument("--measured", metavar="A,B", type=lambda text: text.split(","), default=list(MODELS),
                        help="models [default: mlp,cnn]")
    parser.add_argument("--parts", metavar="A,B", type=lambda text: text.split(","), default=["load", "overload"],
                        help="[default: load,overload]")
    parser.add_argument("--servers", metavar="A,B", type=lambda text: chosen_servers(text.split(",")), default=list(SERVERS),
                        help="beginnings of names, such as fastapi,litserve; Fireclay is always there [default: all]")
    parser.add_argument("--slow-model", metavar="NAME", default="best",
                        help="network of the mnist program that can be asked ten times as fast as it answers [default: best]")
    parser.add_argument("--quick", action="store_true",
                        help="one round of 2 s each, to see that everything works; nothing is kept")
    parser.add_argument("--from", dest="source", metavar="FILE", type=pathlib.Path, help="print the tables of an earlier run")
    flags = parser.parse_args()
    wrong = set(flags.measured) - set(MODELS) or set(flags.parts) - {"load", "overload"}
    if wrong or flags.rounds < 1 or flags.seconds < 1:
        parser.error(f"{', '.join(sorted(wrong))} is not known" if wrong else "--rounds and --seconds are 1 or more")
    if flags.quick:
        flags.rounds, flags.seconds = 1, 2
    for name in ("fireclay", "mnist", "models", "environments"):
        setattr(flags, name, getattr(flags, name).resolve())
    return flags


def chosen_servers(beginnings):
    chosen = [name for name in SERVERS if name == FIRECLAY or any(name.lower().startswith(word.lower()) for word in beginnings)]
    if any(not any(name.lower().startswith(word.lower()) for name in SERVERS) for word in beginnings):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(SERVERS)}")
    return chosen


def heading(flags):
    """The machine and all versions."""
    described = machine.describe(flags.cores)
    output = lambda *command: subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout  # noqa: E731
    packages = json.loads(output(flags.python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    wrk = (output("wrk", "-v").splitlines() or ["?"])[0].split(" Copyright")[0]
    return described, [
        f"python3 bench/serving.py, {flags.rounds} rounds of {flags.seconds} s",
        f"{described['date']}; {described['cpu']}, {described['cpu_family_and_model']}, {', '.join(described['instruction_sets'])}; "
        f"{flags.cores} of {os.cpu_count()} cores for everything, {(described['memory_bytes'] or 0) / 1e9:.0f} GB; {described['os']}",
        f"load average before: {described['load_average']}",
        f"{output(flags.fireclay, '--version').strip()}, commit {described['git_commit']}; {wrk}; "
        f"{output(flags.python, '--version').strip()}",
        "packages: " + ", ".join(f"{package['name']} {package['version']}" for package in packages),
    ]


def new_file(described):
    """`runs/serving-DATE-MACHINE-FAMILY.txt`, with a number if there was a run on that day."""
    family = described["cpu_family_and_model"].replace(",", "").replace(" ", "-")
    stem = f"serving-{described['date'][:10]}-{machine.slug(described)}" + (f"-{family}" if family else "")
    names = [stem] + [f"{stem}-{number}" for number in range(2, 1000)]
    return next(path for path in (RUNS / f"{name}.txt" for name in names) if not path.exists())


def main():
    flags = read_flags()
    if flags.source:
        print(report([json.loads(line) for line in flags.source.read_text().splitlines() if line.startswith("{")]))
        return
    for program, how in (("wrk", "install it, on Debian with apt-get install wrk"), ("cc", "install a C compiler")):
        if not shutil.which(program):
            sys.exit(f"there is no {program}; {how}")
    for program in (flags.fireclay, flags.mnist):
        if not program.is_file():
            sys.exit(f"there is no {program}; cargo build --release --bin fireclay --bin mnist")
    flags.python = make_environment(flags.environments)
    make_models(flags)
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "TORCHINDUCTOR_CACHE_DIR": str(flags.environments / "inductor")}
    # What is started from here on inherits it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: flags.cores])
    began = time.monotonic()
    described, head = heading(flags)
    record = Record(None if flags.quick else new_file(described), head)
    if described["load_average"] > 0.5:
        say(f"the machine is busy (load {described['load_average']}): the times will be off")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        requests = make_requests(work, (*MODELS, flags.slow_model))
        load = make_program(work, "load")
        kept = {}
        if "load" in flags.parts:
            sockets = Variant(SOCKETS, "", (make_program(work, "sockets"), "{port}"))
            kept = {model: [*trial(flags, record, requests, work, model), sockets] for model in flags.measured}
        longest = 0
        for turn in range(1, flags.rounds + 1):
            round_began = time.monotonic()
            if turn > 1 and round_began + longest > began + 60 * flags.minutes:
                say(f"round {turn} would not end within {flags.minutes} minutes and is left out")
                break
            for model, of in kept.items():
                for variant in of if turn % 2 == 1 else reversed(of):
                    measure(flags, record, requests, work, turn, model, variant)
            if "overload" in flags.parts:
                overload(flags, record, requests, work, load, turn)
            longest = max(longest, time.monotonic() - round_began)
    text = report(record.runs)
    record.end(text)
    print("\n".join(head) + "\n\n" + text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
