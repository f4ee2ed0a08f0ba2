"""The workloads' networks in Keras, images with their channels last, for Keras itself and for LiteRT, which runs what is
converted from them.

Imports Keras, so a peer reads its flags first.
"""

import random

import common
import keras
import numpy as np
from keras import initializers, layers, ops


def set_seed(seed):
    """What `keras.utils.set_random_seed` does, without importing every other framework that is installed."""
    random.seed(seed)
    np.random.seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(seed)


def fan_in_uniform():
    """Uniform in ±1/sqrt(fan_in), as PyTorch and Burn draw by default."""
    return initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def dense(units, activation=None):
    return layers.Dense(units, activation, kernel_initializer=fan_in_uniform())


def gelu(x):
    """By the error function, not by its approximation."""
    return keras.activations.gelu(x, approximate=False)


class Positions(layers.Layer):
    """Adds a learnt vector to each step."""

    def build(self, shape):
        self.positions = self.add_weight(shape=shape[1:], initializer=initializers.RandomNormal(stddev=0.02))

    def call(self, x):
        return x + self.positions


class Attention(layers.Layer):
    """Of several heads, between their projections; as in a decoder, it is causal and queries and keys are turned by their
    positions, as in RoFormer."""

    def __init__(self, heads, decodes, rate):
        super().__init__()
        self.heads, self.decodes = heads, decodes
        self.dropout = layers.Dropout(rate)

    def build(self, shape):
        _, self.steps, self.features = shape
        self.dim = self.features // self.heads
        self.qkv, self.out = dense(3 * self.features), dense(self.features)
        self.qkv.build(shape)
        self.out.build(shape)
        angles = np.outer(np.arange(self.steps), 10_000.0 ** (-np.arange(0, self.dim, 2) / self.dim))
        self.cos, self.sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        self.mask = np.where(np.tri(self.steps), 0, -1e9).astype(np.float32)

    def turned(self, x):
        a, b = x[..., 0::2], x[..., 1::2]
        pairs = ops.stack([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)
        return ops.reshape(pairs, (-1, self.heads, self.steps, self.dim))

    def call(self, x, training=None):
        qkv = ops.reshape(self.qkv(x), (-1, self.steps, 3, self.heads, self.dim))
        query, key, value = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), 3)
        if self.decodes:
            query, key = self.turned(query), self.turned(key)
        scores = ops.matmul(query * self.dim**-0.5, ops.transpose(key, (0, 1, 3, 2)))
        weights = ops.softmax(scores + self.mask if self.decodes else scores)
        attended = ops.matmul(self.dropout(weights, training=training), value)
        return self.out(ops.reshape(ops.transpose(attended, (0, 2, 1, 3)), (-1, self.steps, self.features)))


class TiedDense(layers.Layer):
    """The transposed matrix of an embedding, and a bias."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def build(self, shape):
        self.bias = self.add_weight(shape=(self.embedding.input_dim,), initializer="zeros")

    def call(self, x):
        return ops.matmul(x, ops.transpose(self.embedding.embeddings)) + self.bias


def block(x, heads, dim_feedforward, decodes=False, rate=0.0):
    """A pre-norm block of a transformer."""

    def drop(x):
        return layers.Dropout(rate)(x) if rate else x

    features = x.shape[-1]
    attended = Attention(heads, decodes, rate)(layers.LayerNormalization(epsilon=1e-5)(x))
    x = layers.add([x, drop(attended)])
    hidden = drop(dense(dim_feedforward, gelu)(layers.LayerNormalization(epsilon=1e-5)(x)))
    return layers.add([x, drop(dense(features)(hidden))])


def transformer(vocabulary=20_004, steps=256, features=256, blocks=4):
    """Embedding and positions, encoder blocks, the mean of the steps, two classes."""
    tokens = keras.Input((steps,), dtype="int32")
    x = Positions()(layers.Embedding(vocabulary, features, initializers.RandomNormal(stddev=1.0))(tokens))
    for _ in range(blocks):
        x = block(x, 8, 1024)
    return keras.Model(tokens, dense(2)(layers.GlobalAveragePooling1D()(x)))


def small_but_padding(shape, dtype=None):
    """Uniform in ±0.05, and zero for word 0."""
    values = initializers.RandomUniform(-0.05, 0.05)(shape, dtype)
    return ops.concatenate([ops.zeros_like(values[:1]), values[1:]])


def lm(vocabulary, steps=128, features=128, blocks=2, rate=0.1):
    """A language model: embedding, blocks that see what came before, the embedding again."""
    tokens = keras.Input((steps,), dtype="int32")
    embedding = layers.Embedding(vocabulary, features, small_but_padding)
    x = layers.Dropout(rate)(embedding(tokens))
    for _ in range(blocks):
        x = block(x, 4, 512, decodes=True, rate=rate)
    return keras.Model(tokens, TiedDense(embedding)(layers.LayerNormalization(epsilon=1e-5)(x)))


def convolution(filters):
    """Of 3 by 3, the size kept, without bias."""
    return layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer=fan_in_uniform())


def norm():
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def vgg():
    network = [keras.Input((32, 32, 3))]
    for filters, convolutions in [(64, 2), (128, 2), (256, 3), (512, 3)]:
        for _ in range(convolutions):
            network += [convolution(filters), norm(), layers.ReLU()]
        network.append(layers.MaxPooling2D(2))
    return keras.Sequential([*network, layers.GlobalAveragePooling2D(), dense(10)])


def resnet():
    def in_turn(x, *network):
        for layer in network:
            x = layer(x)
        return x

    def halving(filters):
        return convolution(filters), layers.MaxPooling2D(2), norm(), layers.ReLU()

    def residual(x):
        filters = x.shape[-1]
        inner = in_turn(x, convolution(filters), norm(), layers.ReLU(), convolution(filters), norm(), layers.ReLU())
        return layers.add([x, inner])

    images = keras.Input((32, 32, 3))
    x = in_turn(images, convolution(24), norm(), layers.ReLU(), *halving(48), *halving(96))
    x = residual(in_turn(residual(x), *halving(192)))
    return keras.Model(images, in_turn(x, layers.MaxPooling2D(4), layers.Flatten(), dense(10)))


def lstm():
    bound = common.HIDDEN**-0.5
    return keras.Sequential([
        keras.Input((250,), dtype="int32"),
        layers.Embedding(common.VOCABULARY, common.EMBEDDING, initializers.RandomNormal(stddev=1.0)),
        layers.LSTM(
            common.HIDDEN,
            kernel_initializer=initializers.RandomUniform(-bound, bound),
            recurrent_initializer=initializers.RandomUniform(-bound, bound),
            unit_forget_bias=False,
        ),
        dense(2),
    ])


def mlp():
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Flatten(), dense(128, "relu"), dense(128, "relu"), dense(10),
    ])


def convolutions(shape):
    def conv(filters):
        return layers.Conv2D(filters, 3, activation="relu", kernel_initializer=fan_in_uniform())

    return keras.Sequential([
        keras.Input(shape),
        conv(32), layers.MaxPooling2D(2), conv(64), layers.MaxPooling2D(2), conv(64), layers.Flatten(),
        dense(64, "relu"), dense(10),
    ])  # fmt: skip


def network(workload):
    """The workload's network, logits out."""
    if workload.name in ("cnn", "cifar"):
        return convolutions((28, 28, 1) if workload.name == "cnn" else (32, 32, 3))
    if workload.name == "lm":
        return lm(workload.classes)
    return {"mlp": mlp, "lstm": lstm, "vgg": vgg, "resnet": resnet, "transformer": transformer}[workload.name]()
