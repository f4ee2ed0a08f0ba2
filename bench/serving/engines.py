"""What computes in the Python servers: a network in onnxruntime or PyTorch, from a batch of pictures to probabilities.

Both take `[batch, 1, 28, 28]` in f32, which need not lie in one piece of memory, and give `[batch, 10]`.
"""

import importlib.util
import pathlib

import numpy


def load(engine, model, threads):
    """A function from pictures to probabilities. `model` is a path without its ending: `fireclay export` wrote `.onnx`, `.py`
    and `.safetensors` there. `engine` is `onnxruntime`, `pytorch-eager` or `pytorch-compile`."""
    if engine == "onnxruntime":
        return onnxruntime_engine(f"{model}.onnx", threads)
    return pytorch_engine(pathlib.Path(model), threads, compiled=engine == "pytorch-compile")


def onnxruntime_engine(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while there is nothing to do take the time of those that read requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pictures: session.run(["probabilities"], {name: numpy.ascontiguousarray(pictures)})[0]


def pytorch_engine(model, threads, compiled):
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    spec = importlib.util.spec_from_file_location(model.name, f"{model}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Network()
    network.load_state_dict(load_file(f"{model}.safetensors"), strict=True)
    network.eval()

    def probabilities(pictures):
        return torch.softmax(network(pictures), dim=1)

    forward = torch.compile(probabilities) if compiled else probabilities

    def answer(pictures):
        with torch.inference_mode():
            return forward(torch.from_numpy(numpy.ascontiguousarray(pictures))).numpy()

    # Compiling is not part of the first request.
    answer(numpy.zeros((1, 1, 28, 28), numpy.float32))
    return answer
