"""The workloads' networks in PyTorch, for PyTorch itself and for those who run an exported graph.

Imports PyTorch, so a peer reads its flags first.
"""

import common
import torch
from torch import nn
from torch.nn import functional as F


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


class Decoder(nn.Module):
    """A language model: embedding, blocks that see what came before, the embedding again; queries and keys are turned by
    their positions, as in RoFormer."""

    def __init__(self, vocabulary, steps=128, features=128, heads=4, dim_feedforward=512, blocks=2, dropout=0.1):
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.embedding = nn.Embedding(vocabulary, features, padding_idx=0)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.blocks = nn.ModuleList(Block(features, heads, dim_feedforward) for _ in range(blocks))
        self.norm = nn.LayerNorm(features)
        dim = features // heads
        angles = torch.outer(torch.arange(steps), 10_000.0 ** (-torch.arange(0, dim, 2) / dim))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def drop(self, x):
        return F.dropout(x, self.rate, self.training)

    def turned(self, x):
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * self.cos - b * self.sin, a * self.sin + b * self.cos), -1).flatten(-2)

    def attended(self, block, x):
        batch, steps, features = x.shape
        qkv = block.qkv(block.norm_1(x)).view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        query, key = self.turned(qkv[0]), self.turned(qkv[1])
        heads = F.scaled_dot_product_attention(query, key, qkv[2], dropout_p=rate, is_causal=True)
        return block.out(heads.transpose(1, 2).reshape(batch, steps, features))

    def forward(self, x):
        x = self.drop(self.embedding(x))
        for block in self.blocks:
            x = x + self.drop(self.attended(block, x))
            x = x + self.drop(block.dense_2(self.drop(F.gelu(block.dense_1(block.norm_2(x))))))
        return F.linear(self.norm(x), self.embedding.weight, self.bias)


def shifted(x, y):
    """The windows of a language model's epoch, which begin elsewhere than those of the last one."""
    shift = int(torch.randint(x.shape[1], ()))
    return [tokens.flatten().roll(-shift).view(tokens.shape) for tokens in (x, y)]


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
    if workload.name == "lm":
        return Decoder(workload.classes)
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
