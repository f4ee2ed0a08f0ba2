"""Keras on TensorFlow or on JAX, as `KERAS_BACKEND` says.

Training is `Model.fit`, as a user writes it. Inference is a compiled function of the model, which is what a user who
cares for speed calls instead of `Model.predict`. `SETTINGS` holds what was fastest; NOTES.md has what else was tried.
"""

import time

import common

flags = common.read_flags()  # Before the frameworks are imported.

import keras
import keras_networks
import numpy as np

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
    tf.config.threading.set_inter_op_parallelism_threads(flags.threads)
else:
    import jax

# How `fit` compiles, how many steps it takes between two looks at Python, what it reads from, and whether XLA compiles
# TensorFlow's function for inference and for latency.
DEFAULT = {
    "jit_compile": "auto", "steps_per_execution": 1, "source": "arrays", "infer_jit": False, "latency_jit": True,
}  # fmt: skip
SETTINGS = {
    ("tensorflow", "mlp"): {"jit_compile": False, "steps_per_execution": 12, "source": "tf.data"},
    ("tensorflow", "lm"): {"jit_compile": True, "infer_jit": True},
}


class EpochClock(keras.callbacks.Callback):
    """Notes what each epoch took, from the end of the one before, and what it measured."""

    def __init__(self):
        super().__init__()
        self.epochs = []
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        now = time.perf_counter()
        self.epochs.append((now - self.start, float(logs["loss"]), float(logs["accuracy"])))
        self.start = now


class KerasPeer:
    """One model and its workload."""

    def __init__(self, flags, workload):
        self.flags = flags
        self.workload = workload
        self.settings = common.settings(flags, DEFAULT | SETTINGS.get((BACKEND, workload.name), {}))
        keras_networks.set_seed(flags.seed)
        self.model = keras_networks.network(workload)

    def load(self, split):
        """Samples, images with their channels last, and labels."""
        x, y = self.workload.load(self.flags.data, split)
        return (np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if self.workload.is_images else x), y

    def train(self):
        x, y = self.load("train")
        self.model.compile(
            optimizer=keras.optimizers.Adam(common.LEARNING_RATE, epsilon=common.EPSILON),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=self.settings["jit_compile"],
            steps_per_execution=self.settings["steps_per_execution"],
        )
        clock = EpochClock()
        how = {"epochs": self.workload.epochs, "verbose": 0, "callbacks": [clock]}
        if self.workload.predicts_next_tokens:
            self.model.fit(ShiftedWindows(x, y, self.workload.batch_size), **how)
        elif self.settings["source"] == "arrays":
            self.model.fit(x, y, batch_size=self.workload.batch_size, **how)
        else:
            self.model.fit(tf_dataset(x, y, self.workload.batch_size, self.flags.seed), **how)
        return self.workload.trained(clock.epochs)

    def infer(self):
        x, y = self.load("test")
        forward, put, wait = self.compiled(self.settings["infer_jit"])
        size = self.workload.batch_size
        batches = [put(x[start : start + size]) for start in range(0, len(x), size)]
        outputs = []

        def run_pass():
            outputs[:] = [forward(batch) for batch in batches]
            wait(outputs)

        measured = common.measure_infer(self.workload, run_pass, self.flags.scale)
        logits = np.concatenate([np.asarray(output) for output in outputs])
        return measured | common.loss_and_accuracy(logits, y)

    def latency(self):
        x, y = self.load("test")
        forward, put, _ = self.compiled(self.settings["latency_jit"])
        samples = [x[index : index + 1] for index in range(128)]

        def call(sample):
            return np.asarray(forward(put(sample)))

        measured = common.measure_latency(call, samples, self.flags.scale)
        logits = np.concatenate([call(sample) for sample in samples])
        return measured | common.loss_and_accuracy(logits, y[:128])

    def compiled(self, jit):
        """A function from a batch to logits, how a batch gets where the function reads it, how to wait for logits."""
        if BACKEND == "tensorflow":
            forward = tf.function(lambda x: self.model(x, training=False), jit_compile=jit)
            return forward, tf.constant, lambda outputs: None
        trainable = [variable.value for variable in self.model.trainable_variables]
        fixed = [variable.value for variable in self.model.non_trainable_variables]
        stateless = jax.jit(lambda x: self.model.stateless_call(trainable, fixed, x, training=False)[0])
        return stateless, jax.device_put, jax.block_until_ready


class ShiftedWindows(keras.utils.PyDataset):
    """The windows of a language model, which begin elsewhere in each epoch than in the last one, shuffled."""

    def __init__(self, x, y, batch_size):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size
        self.order = np.arange(len(x))

    def on_epoch_begin(self):
        shift = np.random.randint(self.x.shape[1])
        self.x, self.y = (np.roll(tokens, -shift) for tokens in (self.x, self.y))
        self.order = np.random.permutation(len(self.x))

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.x[chosen], self.y[chosen]


def tf_dataset(x, y, batch_size, seed):
    """The same samples through `tf.data`: shuffled anew in each epoch, gathered, and fetched ahead."""
    import tensorflow as tf

    inputs, labels = tf.constant(x), tf.constant(y)
    return (
        tf.data.Dataset.range(len(x))
        .shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
        .batch(batch_size, drop_remainder=True)
        .map(lambda index: (tf.gather(inputs, index), tf.gather(labels, index)), tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


if __name__ == "__main__":
    modules = {"keras": keras.__version__}
    modules |= {"tensorflow": tf.__version__} if BACKEND == "tensorflow" else {"jax": jax.__version__}
    common.report(f"keras-{BACKEND}", modules, KerasPeer, flags)
