"""Turns the published files into one safetensors file for each data set, so that every program reads the same bytes.

    python prepare.py --data DIR [--out target/bench-data] [mnist cifar10 imdb imdb256 imdb_stream]

Images stay bytes. Reviews become word numbers, as `keras.datasets.imdb` and `pad_sequences` would number and pad them:
lower case, `<br />` and punctuation become spaces, the 20,000 most frequent words of the training split (0 is padding,
1 any other word, 2 the most frequent word), the last 250 words, or 256, padding in front. Needs NumPy and safetensors.

| File | Tensors |
|---|---|
| `mnist.safetensors` | `train_images` u8 `[60000, 1, 28, 28]`, `train_labels` u8 `[60000]`, `test_…` of 10,000 |
| `cifar10.safetensors` | `train_images` u8 `[50000, 3, 32, 32]`, `train_labels` u8 `[50000]`, `test_…` of 10,000 |
| `imdb.safetensors` | `train_tokens` i32 `[25000, 250]`, `train_labels` u8 `[25000]`, `test_…` of 25,000 |
| `imdb256.safetensors` | the same with `[25000, 256]` |
| `imdb_stream.safetensors` | `train_tokens`, `train_next_tokens` i32 `[1280, 128]`, `test_…` of 128: windows of all words one after the other, numbered below 10,004 (3 ends a review), and each word's next one |
"""

import argparse
import collections
import functools
import gzip
import os
import pathlib
import string
import sys
import tarfile

import numpy as np
from safetensors.numpy import save_file

PREPARATION = "1"  # Raise it when the tensors change: older files are then made anew.
WORDS = 20_000  # Numbers below this one; two of them are no words.
PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
STREAM_WORDS, END = 10_004, 3  # Of language models.
PUNCTUATION = str.maketrans(string.punctuation, " " * len(string.punctuation))
SHUFFLE_SEED = 0


def mnist(data):
    """The four gzipped IDX files."""
    folder = data / "mnist"

    def idx(name, header_bytes):
        with gzip.open(folder / f"{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header_bytes)

    tensors = {}
    for split, name in [("train", "train"), ("test", "t10k")]:
        tensors[f"{split}_images"] = idx(f"{name}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
        tensors[f"{split}_labels"] = idx(f"{name}-labels-idx1-ubyte", 8)
    return tensors


def cifar10(data):
    """Records of one label byte and three planes of 32 x 32 bytes."""
    folder = data / "cifar-10-batches-bin"

    def records(*names):
        return np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in names])

    tensors = {}
    train = records(*(f"data_batch_{number}.bin" for number in range(1, 6)))
    for split, split_records in [("train", train), ("test", records("test_batch.bin"))]:
        tensors[f"{split}_images"] = np.ascontiguousarray(split_records[:, 1:]).reshape(-1, 3, 32, 32)
        tensors[f"{split}_labels"] = np.ascontiguousarray(split_records[:, 0])
    return tensors


def reviews_of(data):
    """Name, class and words of each review in a tar archive, `aclImdb/{train,test}/{pos,neg}/ID_RATING.txt`, by split."""
    archives = sorted((data / "imdb").glob("*.tar.gz"))
    if not archives:
        raise FileNotFoundError(f"no .tar.gz archive in {data / 'imdb'}")
    reviews = {"train": [], "test": []}
    with tarfile.open(archives[0], "r|gz") as archive:
        for member in archive:
            parts = pathlib.PurePosixPath(member.name).parts
            if len(parts) == 4 and parts[1] in reviews and parts[2] in ("neg", "pos"):
                text = archive.extractfile(member).read().decode("utf-8")
                reviews[parts[1]].append((member.name, int(parts[2] == "pos"), words_of(text)))
    # Sorted by name, then shuffled from a fixed seed: every prefix holds about as many good reviews as bad ones.
    for split in reviews.values():
        split.sort()
    return reviews


def numbers_of(reviews, first, end):
    """A number from `first` on and below `end` for each of the most frequent words."""
    counts = collections.Counter(word for _, _, words in reviews for word in words)
    by_frequency = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: first + rank for rank, word in enumerate(by_frequency[: end - first])}


def imdb(data, length=250):
    """The last `length` words of each review."""
    reviews = reviews_of(data)
    numbers = numbers_of(reviews["train"], FIRST_WORD, WORDS)
    tensors = {}
    for split, split_reviews in reviews.items():
        order = np.random.default_rng(SHUFFLE_SEED).permutation(len(split_reviews))
        tokens = np.full((len(split_reviews), length), PADDING, np.int32)
        for row, index in zip(tokens, order):
            last = [numbers.get(word, UNKNOWN) for word in split_reviews[index][2][-length:]]
            row[length - len(last) :] = last
        tensors[f"{split}_tokens"] = tokens
        tensors[f"{split}_labels"] = np.array([split_reviews[index][1] for index in order], np.uint8)
    return tensors


def imdb_stream(data, length=128, windows=(1280, 128)):
    """All words one after the other, in windows, and the word after each."""
    reviews = reviews_of(data)
    numbers = numbers_of(reviews["train"], END + 1, STREAM_WORDS)
    tensors = {}
    for (split, split_reviews), count in zip(reviews.items(), windows):
        stream, needed = [], count * length + 1
        for index in np.random.default_rng(SHUFFLE_SEED).permutation(len(split_reviews)):
            if len(stream) >= needed:
                break
            stream += [numbers.get(word, UNKNOWN) for word in split_reviews[index][2]] + [END]
        stream = np.array(stream[:needed], np.int32)
        tensors[f"{split}_tokens"] = stream[:-1].reshape(count, length)
        tensors[f"{split}_next_tokens"] = np.ascontiguousarray(stream[1:]).reshape(count, length)
    return tensors


def words_of(text):
    """The words of a review, in order."""
    return text.lower().replace("<br />", " ").translate(PUNCTUATION).split()


READERS = {
    "mnist": mnist,
    "cifar10": cifar10,
    "imdb": imdb,
    "imdb256": functools.partial(imdb, length=256),
    "imdb_stream": imdb_stream,
}


def is_current(path):
    """Whether the file is there and was made by this version of the script."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
    return f'"preparation":"{PREPARATION}"'.encode() in header


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=sorted(READERS), help=", ".join(READERS))
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("FIRECLAY_TEST_DATA"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench-data"))
    flags = parser.parse_args()
    unknown = set(flags.names) - set(READERS)
    if unknown:
        parser.error(f"no data set is called {', '.join(unknown)}; there are {', '.join(READERS)}")
    missing = [name for name in flags.names if not is_current(flags.out / f"{name}.safetensors")]
    if missing and not flags.data:
        parser.error("say where the data is, with --data DIR or in FIRECLAY_TEST_DATA")

    flags.out.mkdir(parents=True, exist_ok=True)
    for name in missing:
        print(f"preparing {name}", file=sys.stderr)
        path = flags.out / f"{name}.safetensors"
        temporary = path.with_suffix(".part")
        save_file(READERS[name](flags.data), temporary, {"preparation": PREPARATION})
        os.replace(temporary, path)


if __name__ == "__main__":
    main()
