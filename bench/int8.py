#!/usr/bin/env python3
"""8-bit whole numbers beside onnxruntime and OpenVINO, in f32 and in int8, on the same trained network.

A model file of `mnist` or `cifar` is compressed by Fireclay, and exported as ONNX; onnxruntime quantises that graph statically
(QDQ, unsigned activations, signed weights for each channel) on the same number of training images, and both peers run it; both also
run what Fireclay exports of its own model in whole numbers.
Rounds are in turn: Fireclay in a process of its own, then each peer. All have the same cores.
"""

import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from harness import environment

# Training images that ranges are measured on, images of a batch, and seconds for each measurement of a round.
CALIBRATION, BATCH, SECONDS = 512, 64, 0.3


def card(model):
    """What the file says of its model."""
    data = pathlib.Path(model).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["fireclay"])


def prepared(images, model):
    """Bytes as the network sees them."""
    import numpy as np

    known = card(model).get("preprocessing") or {"mean": [0.0], "std": [1.0]}
    mean, std = (np.array(known[name], np.float32).reshape(1, -1, 1, 1) for name in ("mean", "std"))
    return (images.astype(np.float32) / 255 - mean) / std


def peers(graph, exported, folder, calibration, threads):
    """Each peer as a function from images to logits."""
    import onnxruntime
    import openvino
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    ready, quantized = folder / "ready.onnx", folder / "int8.onnx"
    quant_pre_process(graph, ready)
    name = onnxruntime.InferenceSession(ready).get_inputs()[0].name

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{name: calibration[at : at + BATCH]} for at in range(0, len(calibration), BATCH)])

        def get_next(self):
            return next(self.batches, None)

    quantize_static(
        ready,
        quantized,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )

    def session(path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        run = onnxruntime.InferenceSession(path, options)
        return lambda images: run.run(None, {name: images})[0]

    def request(path):
        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
        return lambda images: request.infer({0: images})[0]

    return {
        "onnxruntime f32": session(graph),
        "onnxruntime int8": session(quantized),
        "OpenVINO f32": request(graph),
        "OpenVINO int8": request(quantized),
        "onnxruntime, Fireclay's int8": session(exported),
        "OpenVINO, Fireclay's int8": request(exported),
    }


def median_seconds(run, images):
    """The median time of a call."""
    run(images)
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        run(images)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compress(program, model, data, out, threads):
    """What Fireclay says of the model and of the one in whole numbers."""
    command = [program, "compress", model, "--int8", "--out", out, "--data-dir", data, "--threads", threads, "--json"]
    run = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def measure(arguments):
    import numpy as np
    from safetensors.numpy import load_file

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    images = load_file(environment.PREPARED / f"{arguments.prepared}.safetensors")
    step = len(images["train_images"]) // CALIBRATION
    calibration = prepared(images["train_images"][::step][:CALIBRATION], arguments.model)
    test, labels = prepared(images["test_images"], arguments.model), images["test_labels"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        graph, exported, small = (folder / name for name in ("model.onnx", "exported.onnx", "small.fireclay"))
        compress(arguments.program, arguments.model, arguments.data, small, arguments.threads)
        for model, out in ((arguments.model, graph), (small, exported)):
            subprocess.run([arguments.fireclay, "export", model, "--out", out], check=True, stdout=sys.stderr)
        others = peers(graph, exported, folder, calibration, arguments.threads)
        batches = range(0, len(test), 100)
        right = {
            name: np.mean([np.argmax(run(test[at : at + 100]), 1) == labels[at : at + 100] for at in batches])
            for name, run in others.items()
        }
        rates, latencies = {}, {}
        for _ in range(arguments.rounds):
            said = compress(arguments.program, arguments.model, arguments.data, small, arguments.threads)
            for name, of in (("Fireclay f32", said["before"]), ("Fireclay int8", said["after"])):
                rates.setdefault(name, []).append(of["samples_per_second"])
                latencies.setdefault(name, []).append(of["latency"])
                right[name] = of["measures"][0]["model"]
            for name, run in others.items():
                rates.setdefault(name, []).append(BATCH / median_seconds(run, test[:BATCH]))
                latencies.setdefault(name, []).append(median_seconds(run, test[:1]))
    print(f"{arguments.model}: medians of {arguments.rounds} rounds (least to most), {arguments.threads} threads")
    print("| | test accuracy | images/s in batches of 64 | latency, us |\n|---|---|---|---|")
    for name in sorted(rates, key=lambda name: -statistics.median(rates[name])):
        shown = []
        for values, digits in ((rates[name], 0), ([1e6 * value for value in latencies[name]], 1)):
            middle, least, most = statistics.median(values), min(values), max(values)
            shown.append(f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})")
        print(f"| {name} | {100 * right[name]:.2f} % | {shown[0]} | {shown[1]} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model file of `mnist` or `cifar`")
    parser.add_argument("--program", required=True, help="the program that trained it, such as target/release/cifar")
    parser.add_argument("--fireclay", default=environment.PROGRAMS / "fireclay", help="the program that exports it")
    parser.add_argument("--data", required=True, help="folder with the published files of its data set")
    parser.add_argument("--prepared", default="cifar10", choices=["mnist", "cifar10"], help="the set as prepare.py names it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    environment.go_on_with_peers()
    environment.prepare_data(pathlib.Path(arguments.data).parent, {arguments.prepared})
    measure(arguments)


if __name__ == "__main__":
    main()
