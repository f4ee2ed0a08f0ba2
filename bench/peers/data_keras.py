"""Keras's loaders and its preprocessing layers, on `tf.data`."""

import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import data_common as common

flags = common.read_flags()  # Before the framework is imported.

import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
tf.config.threading.set_inter_op_parallelism_threads(flags.threads)

import keras
from keras import layers


def scaled(image, label):
    return tf.cast(image, tf.float32) / 255.0, label


def shuffled(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(labels), seed=0)


def threads(dataset):
    options = tf.data.Options()
    options.threading.private_threadpool_size = flags.threads
    options.threading.max_intra_op_parallelism = 1
    return dataset.with_options(options)


def first(images, labels):
    batches = shuffled(images, labels).batch(common.BATCH).map(scaled, num_parallel_calls=flags.threads).prefetch(2)
    batch, _ = next(iter(threads(batches)))
    return list(batch.shape)


def imdb():
    folder = flags.data / "imdb-unpacked/aclImdb"
    read = lambda split: keras.utils.text_dataset_from_directory(
        str(folder / split), class_names=["neg", "pos"], batch_size=common.BATCH, seed=0, verbose=False
    )
    train, test = read("train"), read("test")
    clean = lambda text: tf.strings.regex_replace(text, "<br />", " ")
    encode = layers.TextVectorization(max_tokens=common.WORDS, output_sequence_length=common.TOKENS)
    encode.adapt(train.map(lambda text, label: clean(text), num_parallel_calls=flags.threads))
    encoded = [
        split.map(lambda text, label: (encode(clean(text)), label), num_parallel_calls=flags.threads).cache()
        for split in (train, test)
    ]
    # All reviews of both splits, once, as the other programs have them when their first batch is ready.
    for split in encoded:
        for _ in split:
            pass
    batch, _ = next(iter(encoded[0]))
    return list(batch.shape)


began = time.perf_counter()
if flags.task == "mnist":
    images, labels = common.mnist(flags.data)
    shape = first(images[..., None], labels)
elif flags.task == "cifar10":
    images, labels = common.cifar10(flags.data)
    shape = first(images.transpose(0, 2, 3, 1), labels)
elif flags.task == "imdb":
    shape = imdb()
if flags.task != "augment":
    common.tell(seconds=time.perf_counter() - began, shape=shape, versions={"keras": keras.__version__})
else:
    images, labels = common.cifar10(flags.data)
    augment = keras.Sequential([
        layers.ZeroPadding2D(common.PADDING),
        layers.RandomCrop(32, 32, seed=1),
        layers.RandomFlip("horizontal", seed=2),
        layers.Rescaling(1 / 255.0),
        layers.Normalization(mean=common.CIFAR_MEAN, variance=[std**2 for std in common.CIFAR_STD]),
        layers.RandomErasing(factor=1.0, scale=common.CUTOUT**2 / 1024, fill_value=0.0, value_range=(-3, 3), seed=3),
    ])  # fmt: skip
    batches = shuffled(images.transpose(0, 2, 3, 1), labels).repeat().batch(common.BATCH)
    batches = batches.map(
        lambda image, label: (augment(tf.cast(image, tf.float32), training=True), label),
        num_parallel_calls=flags.threads,
    ).prefetch(2)
    sizes = (len(label) for _, label in threads(batches))
    common.tell(images_per_s=common.rate(sizes, flags.seconds), versions={"keras": keras.__version__})
