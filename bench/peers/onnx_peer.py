"""onnxruntime and OpenVINO, in f32, on the graph that PyTorch exports of its networks: inference and latency alone.

Each graph has the one batch size that is asked for, so that a runtime may plan for it.
"""

import pathlib
import tempfile

import common

VARIANTS = ("onnxruntime", "openvino")
flags = common.read_flags(VARIANTS, tasks=("infer", "latency"))  # Before a framework is imported.

import numpy as np
import torch
import torch_networks

torch.set_num_threads(flags.threads)


def onnxruntime_function(path):
    """A function from an input to logits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = flags.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"input": x})[0]


def openvino_function(path):
    """The same. Without the hint OpenVINO takes bf16 where the CPU has it."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": flags.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda x: request.infer({"input": x}, share_inputs=True, share_outputs=True)[0]


FUNCTIONS = {"onnxruntime": onnxruntime_function, "openvino": openvino_function}


class OnnxPeer:
    """One exported network and its workload."""

    def __init__(self, flags, workload):
        self.flags = flags
        self.workload = workload
        torch.manual_seed(flags.seed)
        self.model = torch_networks.network(workload).eval()
        self.x, self.y = workload.load(flags.data, "test")

    def function(self, batch_size):
        """Exports the network for batches of this size, and gives the runtime's function."""
        example = torch.from_numpy(self.x[:batch_size])
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "network.onnx")
            with torch.no_grad():
                torch.onnx.export(self.model, (example,), path, input_names=["input"], dynamo=True, verbose=False)
            return FUNCTIONS[self.flags.variant](path)

    def infer(self):
        call, size = self.function(self.workload.batch_size), self.workload.batch_size
        batches = [np.ascontiguousarray(self.x[first : first + size]) for first in range(0, len(self.x), size)]
        outputs = []

        def run_pass():
            outputs[:] = [np.array(call(batch)) for batch in batches]

        measured = common.measure_infer(self.workload, run_pass, self.flags.scale)
        return measured | common.loss_and_accuracy(np.concatenate(outputs), self.y)

    def latency(self):
        call = self.function(1)
        samples = [np.ascontiguousarray(self.x[index : index + 1]) for index in range(common.LATENCY_SAMPLES)]
        measured = common.measure_latency(call, samples, self.flags.scale)
        logits = np.concatenate([np.array(call(sample)) for sample in samples])
        return measured | common.loss_and_accuracy(logits, self.y[: common.LATENCY_SAMPLES])


if __name__ == "__main__":
    versions = {flags.variant: __import__(flags.variant).__version__, "torch": torch.__version__}
    common.report(flags.variant, versions, OnnxPeer, flags, variant="default")
