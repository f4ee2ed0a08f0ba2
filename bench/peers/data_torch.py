"""torchvision's transforms with PyTorch's `DataLoader`."""

import re
import time
from collections import Counter

import data_common as common

flags = common.read_flags()  # Before the framework is imported.

import numpy as np
import torch
import torchvision
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

torch.set_num_threads(1)
WORKERS = 0 if flags.threads == 1 else flags.threads


class Images(Dataset):
    """Images in memory as bytes, each transformed when it is asked for."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = torch.from_numpy(images), labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(self.images[index]), int(self.labels[index])


def first(dataset):
    batch, _ = next(iter(DataLoader(dataset, batch_size=common.BATCH, shuffle=True, num_workers=WORKERS)))
    return list(batch.shape)


def imdb():
    """A word list from the training split, then numbers for both splits, in plain Python, as the tutorials do."""
    def read(split):
        folder = flags.data / "imdb-unpacked/aclImdb" / split
        files = [(path, label) for label, name in enumerate(("neg", "pos")) for path in sorted((folder / name).iterdir())]
        return [path.read_text(encoding="utf-8") for path, _ in files], [label for _, label in files]

    word = re.compile(r"[a-z0-9']+")
    split = lambda text: word.findall(text.lower().replace("<br />", " "))
    (train, labels), (test, _) = read("train"), read("test")
    counted = Counter()
    for text in train:
        counted.update(split(text))
    numbers = {text: at + 2 for at, (text, _) in enumerate(counted.most_common(common.WORDS - 2))}

    def encode(texts):
        out = np.zeros((len(texts), common.TOKENS), np.int64)
        for row, text in zip(out, texts):
            tokens = [numbers.get(found, 1) for found in split(text)[: common.TOKENS]]
            row[: len(tokens)] = tokens
        return torch.from_numpy(out)

    encoded, _ = encode(train), encode(test)
    data = torch.utils.data.TensorDataset(encoded, torch.tensor(labels))
    batch, _ = next(iter(DataLoader(data, batch_size=common.BATCH, shuffle=True)))
    return list(batch.shape)


plain = v2.ToDtype(torch.float32, scale=True)
began = time.perf_counter()
if flags.task == "mnist":
    images, labels = common.mnist(flags.data)
    shape = first(Images(images[:, None], labels, plain))
elif flags.task == "cifar10":
    images, labels = common.cifar10(flags.data)
    shape = first(Images(images, labels, plain))
elif flags.task == "imdb":
    shape = imdb()
if flags.task != "augment":
    common.tell(seconds=time.perf_counter() - began, shape=shape, versions={"torchvision": torchvision.__version__})
else:
    augment = v2.Compose([
        v2.RandomCrop(32, padding=common.PADDING),
        v2.RandomHorizontalFlip(),
        plain,
        v2.Normalize(common.CIFAR_MEAN, common.CIFAR_STD),
        # Cutout: a square of zeros, which is the mean once images are normalised.
        v2.RandomErasing(p=1.0, scale=(common.CUTOUT**2 / 1024,) * 2, ratio=(1.0, 1.0)),
    ])  # fmt: skip
    images, labels = common.cifar10(flags.data)
    loader = DataLoader(Images(images, labels, augment), batch_size=common.BATCH, shuffle=True, num_workers=WORKERS)
    batches = (len(batch) for _ in range(1000) for batch, _ in loader)
    common.tell(images_per_s=common.rate(batches, flags.seconds), versions={"torchvision": torchvision.__version__})
