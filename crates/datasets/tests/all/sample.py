"""Digests of a sample of the records of CIFAR-10 or of the IMDB reviews, read without Fireclay.

    python3 sample.py cifar FOLDER SEED COUNT     FOLDER holds data_batch_1.bin and so on
    python3 sample.py imdb ARCHIVE SEED COUNT     ARCHIVE unpacks to aclImdb/

Prints a line for each record: split, index, label, SHA-256 of its bytes. Standard library only.
"""

import hashlib
import os
import random
import re
import sys
import tarfile


def cifar(folder):
    names = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
    for split in names:
        records = []
        for name in names[split]:
            with open(os.path.join(folder, name), "rb") as file:
                while record := file.read(1 + 3072):
                    records.append((record[0], record[1:]))
        yield split, records


def imdb(archive):
    pattern = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_(\d+)\.txt")
    splits = {"train": [], "test": []}
    with tarfile.open(archive) as tar:
        for member in tar:
            if match := pattern.fullmatch(member.name):
                split, label, number, rating = match.groups()
                order = (["neg", "pos"].index(label), int(number), int(rating))
                splits[split].append((order, tar.extractfile(member).read()))
    for split, reviews in splits.items():
        reviews.sort()
        yield split, [(order[0], text) for order, text in reviews]


def main():
    kind, path, seed, count = sys.argv[1:]
    choice = random.Random(int(seed))
    for split, records in {"cifar": cifar, "imdb": imdb}[kind](path):
        indices = choice.sample(range(len(records)), int(count)) + [0, len(records) - 1]
        for index in indices:
            label, content = records[index]
            print(split, index, label, hashlib.sha256(content).hexdigest())


main()
