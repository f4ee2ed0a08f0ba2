#!/usr/bin/env python3
"""Private training of `mnist`'s network `cnn-tanh`, beside Opacus on the same network.

Both train with the same budget, batch, learning rate and number of epochs, in turn, on the same cores: Opacus in PyTorch with
gradients of each sample (`hooks`) and with the norms alone (`ghost`), and with its own defaults for all else. Times are of the training
alone; accuracy is of the 10,000 test images.

    python3 bench/private.py --data DIR/mnist
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

from harness import environment

BATCH, RATE, EPOCHS, DELTA, CLIP = 2048, 3.0, 15, 1e-5, 1.0


def fireclay(arguments, epsilon):
    """Seconds, accuracy and epsilon of a training by the program."""
    command = [
        arguments.program, "train", "--model", "cnn-tanh", "--private", f"{epsilon},{DELTA}", "--data-dir", arguments.data, "--json",
        "--out", str(environment.PREPARED / "private.fireclay"), "--threads", str(arguments.threads),
    ]  # fmt: skip
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    said = [json.loads(line) for line in said]
    epochs = [record for record in said if record["type"] == "epoch"]
    accuracy = next(record["report"]["accuracy"] for record in said if record["type"] == "evaluation")
    return sum(epoch["seconds"] for epoch in epochs), accuracy, epochs[-1]["values"]["epsilon"]


def opacus(arguments, epsilon, mode):
    """The same by Opacus."""
    import torch
    from opacus import PrivacyEngine
    from safetensors.torch import load_file
    from torch import nn

    torch.set_num_threads(arguments.threads)
    images = load_file(environment.PREPARED / "mnist.safetensors")
    train, test = (
        (images[f"{part}_images"].float().reshape(-1, 1, 28, 28) / 255 - 0.1307) / 0.3081 for part in ("train", "test")
    )
    labels = {part: images[f"{part}_labels"].long() for part in ("train", "test")}
    model = nn.Sequential(
        nn.Conv2d(1, 16, 8, 2, padding=3), nn.Tanh(), nn.MaxPool2d(2, 1),
        nn.Conv2d(16, 32, 4, 2), nn.Tanh(), nn.MaxPool2d(2, 1),
        nn.Flatten(), nn.Linear(512, 32), nn.Tanh(), nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    data = torch.utils.data.TensorDataset(train, labels["train"])
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH)
    engine, criterion = PrivacyEngine(accountant="rdp"), nn.CrossEntropyLoss()
    made = engine.make_private_with_epsilon(
        module=model, optimizer=optimizer, data_loader=loader, target_epsilon=epsilon, target_delta=DELTA, epochs=EPOCHS,
        max_grad_norm=CLIP, grad_sample_mode=mode, **({"criterion": criterion} if mode == "ghost" else {}),
    )  # fmt: skip
    if mode == "ghost":
        model, optimizer, criterion, loader = made
    else:
        model, optimizer, loader = made
    begin = time.perf_counter()
    for _ in range(EPOCHS):
        model.train()
        for batch, target in loader:
            optimizer.zero_grad()
            criterion(model(batch), target).backward()
            optimizer.step()
    seconds = time.perf_counter() - begin
    model.eval()
    with torch.no_grad():
        right = sum((model(test[at : at + 500]).argmax(1) == labels["test"][at : at + 500]).sum() for at in range(0, 10_000, 500))
    return seconds, right.item() / 10_000, engine.get_epsilon(DELTA)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with MNIST's files")
    parser.add_argument("--program", default=environment.PROGRAMS / "mnist", help="the program `mnist`")
    parser.add_argument("--epsilons", type=float, nargs="+", default=[6.2, 0.95])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    environment.go_on_with_peers(arguments.threads)
    environment.prepare_data(pathlib.Path(arguments.data).parent, {"mnist"})
    print(f"{arguments.rounds} rounds, {arguments.threads} threads: median seconds of training (least to most), accuracies, epsilon spent")
    for epsilon in arguments.epsilons:
        found = {}
        for _ in range(arguments.rounds):
            found.setdefault("Fireclay", []).append(fireclay(arguments, epsilon))
            for mode in ("hooks", "ghost"):
                found.setdefault(f"Opacus, {mode}", []).append(opacus(arguments, epsilon, mode))
        for name, runs in found.items():
            seconds, accuracies, spent = zip(*runs)
            shown = ", ".join(f"{100 * accuracy:.2f} %" for accuracy in accuracies)
            print(
                f"epsilon {epsilon}: {name}: {statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f}), "
                f"{shown}, epsilon {max(spent):.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
