"""PyTorch: eager, with channels-last convolutions, or compiled by `torch.compile`; each in f32 or by autocast in bf16.

Batches are gathered from tensors in memory by index, Adam is the fused one, and the loss is read once in an epoch: what
an expert writes, not the `DataLoader` of the tutorials. NOTES.md has what was tried.
"""

import time

import common

VARIANTS = ("eager", "channels_last", "compile")
flags = common.read_flags(VARIANTS, precisions=("f32", "bf16"))  # Before the framework is imported.

import numpy as np
import torch
import torch_networks
from torch.nn import functional as F

torch.set_num_threads(flags.threads)
torch.set_num_interop_threads(1)

DEFAULT = {"flush_denormal": True, "freezing": True, "compile_channels_last": False, "mode": "default"}
SETTINGS = {}
CONVOLUTIONS = ("cnn", "cifar", "vgg", "resnet")


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
        self.model = torch_networks.network(workload)
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
            with self.autocast():
                logits = self.model(inputs).flatten(0, -2)
                return F.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()

        if self.compiles:
            forward = torch.compile(forward, dynamic=False, mode=self.settings["mode"])
        epochs = []
        start = time.perf_counter()
        for _ in range(self.workload.epochs):
            total_loss, total_correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
            if self.workload.predicts_next_tokens:
                x, y = torch_networks.shifted(x, y)
            for indices in torch.randperm(len(x)).split(self.workload.batch_size):
                inputs, labels = self.as_input(x.index_select(0, indices)), y.index_select(0, indices).flatten()
                loss, correct = forward(inputs, labels)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                total_loss += loss.detach()
                total_correct += correct
            steps = len(x) // self.workload.batch_size
            loss, accuracy = total_loss.item() / steps, total_correct.item() / y.numel()
            now = time.perf_counter()
            epochs.append((now - start, loss, accuracy))
            start = now
        return self.workload.trained(epochs)

    def infer(self):
        x, y = self.load("test")
        batches = [self.as_input(batch) for batch in x.split(self.workload.batch_size)]
        outputs = []
        with torch.inference_mode(), self.autocast():
            forward = self.compiled()

            def run_pass():
                outputs[:] = [forward(batch) for batch in batches]

            measured = common.measure_infer(self.workload, run_pass, self.flags.scale)
        return measured | common.loss_and_accuracy(torch.cat(outputs).float().numpy(), y.numpy())

    def latency(self):
        x, y = self.load("test")
        samples = [sample.numpy() for sample in x[: common.LATENCY_SAMPLES].split(1)]
        with torch.inference_mode(), self.autocast():
            forward = self.compiled()

            def call(sample):
                return forward(self.as_input(torch.from_numpy(sample))).float().numpy()

            measured = common.measure_latency(call, samples, self.flags.scale)
            logits = np.concatenate([call(sample) for sample in samples])
        return measured | common.loss_and_accuracy(logits, y[: common.LATENCY_SAMPLES].numpy())

    def autocast(self):
        """Within it, products are made in bf16 if that is asked for."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.flags.precision == "bf16")

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
