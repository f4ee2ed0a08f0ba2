"""LiteRT, which was TensorFlow Lite, with its XNNPACK delegate, in f32, on the Keras networks: inference and latency alone.

TensorFlow converts each network to LiteRT's own operations, for the one batch size that is asked for, so that the
runtime may plan for it. What XNNPACK cannot do (the look-up of words, the turning of pairs in `lm`) is done by LiteRT's
other kernels. `lstm` is the loop that Keras makes of it (`WHILE`): the fused `UNIDIRECTIONAL_SEQUENCE_LSTM` took twice as
long for one sample and four times for a batch, 250 steps in a row eight times as long for one and no less for a batch.
"""

import os

import common

flags = common.read_flags(tasks=("infer", "latency"))  # Before a framework is imported.
os.environ["KERAS_BACKEND"] = "tensorflow"

import ai_edge_litert
import keras_networks
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def litert_function(model, shape, dtype):
    """A function from an input to logits. The weights are constants of the graph, so that they are packed once."""
    trainable = [variable.numpy() for variable in model.trainable_variables]
    fixed = [variable.numpy() for variable in model.non_trainable_variables]

    @tf.function
    def forward(x):
        variables = ([tf.constant(value) for value in values] for values in (trainable, fixed))
        return model.stateless_call(*variables, x, training=False)[0]

    concrete = forward.get_concrete_function(tf.TensorSpec(shape, dtype))
    converted = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()
    interpreter = Interpreter(model_content=converted, num_threads=flags.threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def call(x):
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return call


class LitertPeer:
    """One converted network and its workload."""

    def __init__(self, flags, workload):
        self.flags = flags
        self.workload = workload
        keras_networks.set_seed(flags.seed)
        self.model = keras_networks.network(workload)
        x, self.y = workload.load(flags.data, "test")
        self.x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if workload.is_images else x

    def function(self, batch_size):
        return litert_function(self.model, (batch_size, *self.x.shape[1:]), self.x.dtype)

    def infer(self):
        call, size = self.function(self.workload.batch_size), self.workload.batch_size
        batches = [self.x[first : first + size] for first in range(0, len(self.x), size)]
        outputs = []

        def run_pass():
            outputs[:] = [call(batch) for batch in batches]

        measured = common.measure_infer(self.workload, run_pass, self.flags.scale)
        return measured | common.loss_and_accuracy(np.concatenate(outputs), self.y)

    def latency(self):
        call = self.function(1)
        samples = [self.x[index : index + 1] for index in range(common.LATENCY_SAMPLES)]
        measured = common.measure_latency(call, samples, self.flags.scale)
        logits = np.concatenate([call(sample) for sample in samples])
        return measured | common.loss_and_accuracy(logits, self.y[: common.LATENCY_SAMPLES])


if __name__ == "__main__":
    versions = {"ai-edge-litert": ai_edge_litert.__version__, "tensorflow": tf.__version__}
    common.report("litert", versions, LitertPeer, flags)
