"""PyTorch: eager, with channels-last convolutions, or compiled by `torch.compile`.

Batches are gathered from tensors in memory by index, Adam is the fused one, and the loss is read once in an epoch: what
an expert writes, not the `DataLoader` of the tutorials. NOTES.md has what was tried.
"""

import time

import common

VARIANTS = ("eager", "channels_last", "compile")
flags = common.read_flags(VARIANTS)  # Before the framework is imported.

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(flags.threads)
torch.set_num_interop_threads(1)

DEFAULT = {"flush_denormal": True, "freezing": True, "compile_channels_last": False, "mode": "default"}
SETTINGS = {}
CONVOLUTIONS = ("cnn", "cifar", "vgg", "resnet")


class LastHidden(nn.Module):
    """An LSTM that gives its last state."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(common.EMBEDDING, common.HIDDEN, batch_first=True)

    def forward(self, x):
        _, (hidden, _) = self.lstm(x)
        return hidden[-1]


class Block(nn.Module):
    """A pre-norm encoder block of a transformer."""

    def __init__(self, features, heads, dim_feedforward):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.qkv, self.out = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.dense_1, self.dense_2 = nn.Linear(features, dim_feedforward), nn.Linear(dim_feedforward, features)

    def forward(self, x):
        batch, steps, features = x.shape
        qkv = self.qkv(self.norm_1(x)).view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        x = x + self.out(attended.transpose(1, 2).reshape(batch, steps, features))
        return x + self.dense_2(F.gelu(self.dense_1(self.norm_2(x))))


class Transformer(nn.Module):
    """Embedding and positions, encoder blocks, the mean of the steps, two classes."""

    def __init__(self, vocabulary=20_004, steps=256, features=256, blocks=4):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, features)
        self.positions = nn.Parameter(torch.randn(steps, features) * 0.02)
        self.blocks = nn.Sequential(*(Block(features, 8, 1024) for _ in range(blocks)))
        self.dense = nn.Linear(features, 2)

    def forward(self, x):
        return self.dense(self.blocks(self.embedding(x) + self.positions).mean(1))


def convolution(channels, out_channels):
    """Of 3 by 3, the size kept, without bias."""
    return nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)


class Residual(nn.Module):
    """Two convolutions and what they read."""

    def __init__(self, channels):
        super().__init__()
        layers = lambda: (convolution(channels, channels), nn.BatchNorm2d(channels), nn.ReLU())
        self.layers = nn.Sequential(*layers(), *layers())

    def forward(self, x):
        return x + self.layers(x)


def vgg():
    layers, channels = [], 3
    for out_channels, convolutions in [(64, 2), (128, 2), (256, 3), (512, 3)]:
        for _ in range(convolutions):
            layers += [convolution(channels, out_channels), nn.BatchNorm2d(out_channels), nn.ReLU()]
            channels = out_channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def resnet():
    def halving(channels, out_channels):
        return convolution(channels, out_channels), nn.MaxPool2d(2), nn.BatchNorm2d(out_channels), nn.ReLU()

    return nn.Sequential(
        convolution(3, 24), nn.BatchNorm2d(24), nn.ReLU(),
        *halving(24, 48), *halving(48, 96), Residual(96), *halving(96, 192), Residual(192),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(192, 10),
    )  # fmt: skip


def network(workload):
    """The workload's network, logits out, with PyTorch's own initial weights."""
    if workload.name == "lstm":
        embedding = nn.Embedding(common.VOCABULARY, common.EMBEDDING)
        return nn.Sequential(embedding, LastHidden(), nn.Linear(common.HIDDEN, 2))
    larger = {"vgg": vgg, "resnet": resnet, "transformer": Transformer}
    if workload.name in larger:
        return larger[workload.name]()
    if workload.name == "mlp":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
        )
    channels, last = (1, 3) if workload.name == "cnn" else (3, 4)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(64 * last * last, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


class TorchPeer:
    """One model and its workload."""

    def __init__(self, flags, workload):
        self.flags = flags
        self.workload = workload
        self.settings = common.settings(flags, DEFAULT | SETTINGS.get(workload.name, {}))
        torch.manual_seed(flags.seed)
        torch.set_flush_denormal(self.settings["flush_denormal"])
        self.compiles = flags.variant == "compile"
        self.channels_last = workload.name in CONVOLUTIONS and (
            flags.variant == "channels_last" or self.compiles and self.settings["compile_channels_last"]
        )
        self.model = network(workload)
        if self.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)

    def load(self, split):
        """Samples as they are stored, and labels. With channels last they are stored so, and gathered so."""
        x, y = self.workload.load(self.flags.data, split)
        if self.channels_last:
            x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        return torch.from_numpy(x), torch.from_numpy(y).long()

    def as_input(self, batch):
        """What the network takes: stored samples, the channels in their place. No copy."""
        return batch.permute(0, 3, 1, 2) if self.channels_last else batch

    def train(self):
        x, y = self.load("train")
        self.model.train()
        optimizer = torch.optim.Adam(
            self.model.parameters(), lr=common.LEARNING_RATE, eps=common.EPSILON, fused=True
        )

        def forward(inputs, labels):
            logits = self.model(inputs)
            return F.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()

        if self.compiles:
            forward = torch.compile(forward, dynamic=False, mode=self.settings["mode"])
        epochs = []
        start = time.perf_counter()
        for _ in range(self.workload.epochs):
            total_loss, total_correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
            for indices in torch.randperm(len(x)).split(self.workload.batch_size):
                inputs, labels = self.as_input(x.index_select(0, indices)), y.index_select(0, indices)
                loss, correct = forward(inputs, labels)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                total_loss += loss.detach()
                total_correct += correct
            steps = len(x) // self.workload.batch_size
            loss, accuracy = total_loss.item() / steps, total_correct.item() / len(x)
            now = time.perf_counter()
            epochs.append((now - start, loss, accuracy))
            start = now
        return self.workload.trained(epochs)

    def infer(self):
        x, y = self.load("test")
        batches = [self.as_input(batch) for batch in x.split(self.workload.batch_size)]
        outputs = []
        with torch.inference_mode():
            forward = self.compiled()

            def run_pass():
                outputs[:] = [forward(batch) for batch in batches]

            measured = common.measure_infer(self.workload, run_pass, self.flags.scale)
        return measured | common.loss_and_accuracy(torch.cat(outputs).numpy(), y.numpy())

    def latency(self):
        x, y = self.load("test")
        samples = [sample.numpy() for sample in x[:128].split(1)]
        with torch.inference_mode():
            forward = self.compiled()

            def call(sample):
                return forward(self.as_input(torch.from_numpy(sample))).numpy()

            measured = common.measure_latency(call, samples, self.flags.scale)
            logits = np.concatenate([call(sample) for sample in samples])
        return measured | common.loss_and_accuracy(logits, y[:128].numpy())

    def compiled(self):
        """The function for inference. A frozen model has its weights packed once."""
        self.model.eval()
        if not self.compiles:
            return self.model
        import torch._inductor.config

        torch._inductor.config.freezing = self.settings["freezing"]
        return torch.compile(self.model, dynamic=False, mode=self.settings["mode"])


if __name__ == "__main__":
    common.report("pytorch", {"torch": torch.__version__}, TorchPeer, flags)
