#!/usr/bin/env python3
"""Attacks on `mnist`'s network `cnn` by `audit`, beside torchattacks and Foolbox on the same weights.

It ends with an error where more than 0.2 points lie between. All attack the 10,000 test images with the same strengths, steps and sizes of steps: FGSM, and PGD from a random start, which is another
one in each. What is compared is the accuracy that is left.

    mnist train --model cnn --data-dir DIR/mnist --out cnn.fireclay
    python3 bench/attacks.py cnn.fireclay --data DIR/mnist
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

from harness import environment

ATTACKS = ["FGSM", "PGD", "PGD by length"]
# What random starts may make of 10,000 images.
MOST_APART = 0.002


def fireclay(arguments):
    """Accuracies by attack and strength, and seconds of all."""
    strengths = ",".join(map(str, arguments.strengths))
    command = [
        arguments.program, "audit", arguments.model, "--only", "robustness", "--data-dir", arguments.data, "--samples", "10000",
        "--strengths", strengths, "--steps", str(arguments.steps), "--json", "--threads", str(arguments.threads),
    ]  # fmt: skip
    begin = time.perf_counter()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - begin
    audit = next(record for record in map(json.loads, said.splitlines()) if record["type"] == "audit")["robustness"]
    found = {("none", 0.0): audit["accuracy"]}
    for name, attack in zip(ATTACKS, audit["attacks"]):
        found |= {(name, strength): accuracy for strength, accuracy, _ in attack["points"] if strength > 0}
    return {key: accuracy for key, accuracy in found.items() if key[0] in {"none", *arguments.attacks}}, seconds


def network(path):
    """The same network in PyTorch, which reads pixels from 0 to 1."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file
    from torch import nn

    with safe_open(path, "pt") as file:
        preprocessing = json.loads(file.metadata()["fireclay"])["preprocessing"]
    [mean], [std] = preprocessing["mean"], preprocessing["std"]

    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            pool = lambda: nn.MaxPool2d(2)
            self.layers = nn.Sequential(
                nn.Conv2d(1, 32, 3), nn.ReLU(), pool(), nn.Conv2d(32, 64, 3), nn.ReLU(), pool(), nn.Conv2d(64, 64, 3), nn.ReLU(),
                nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
            )  # fmt: skip

        def forward(self, pixels):
            return self.layers((pixels - mean) / std)

    weights = load_file(path)
    places = {"conv2d_1": 0, "conv2d_2": 3, "conv2d_3": 6, "dense_1": 9, "dense_2": 11}
    model = Normalised()
    model.layers.load_state_dict(
        {f"{place}.{part}": weights[f"{name}.{part}"] for name, place in places.items() for part in ("weight", "bias")}
    )
    torch.manual_seed(0)
    return model.eval().requires_grad_(False)


def in_parts(images, labels, change):
    import torch

    parts = zip(images.split(500), labels.split(500))
    return torch.cat([change(*part) for part in parts])


def accuracy(model, images, labels):
    import torch

    with torch.no_grad():
        return (in_parts(images, labels, lambda images, _: model(images).argmax(1)) == labels).float().mean().item()


def peers(arguments, found):
    """What is left after the attacks of the others, by attack and strength, and seconds by library."""
    import foolbox
    import torch
    import torchattacks
    from safetensors.torch import load_file

    torch.set_num_threads(arguments.threads)
    data = load_file(environment.PREPARED / "mnist.safetensors")
    images, labels = data["test_images"].float().reshape(-1, 1, 28, 28) / 255, data["test_labels"].long()
    model = network(arguments.model)
    judged = foolbox.PyTorchModel(model, bounds=(0, 1))
    rows, seconds = {}, {"torchattacks": 0.0, "Foolbox": 0.0}
    for name, strength in found:
        step = 2.5 / arguments.steps
        own = {
            "none": lambda images, labels: images,
            "FGSM": lambda images, labels: torchattacks.FGSM(model, eps=strength)(images, labels),
            "PGD": lambda images, labels: torchattacks.PGD(model, eps=strength, alpha=step * strength, steps=arguments.steps)(
                images, labels
            ),
            "PGD by length": lambda images, labels: torchattacks.PGDL2(
                model, eps=strength, alpha=step * strength, steps=arguments.steps
            )(images, labels),
        }
        others = {
            "none": None,
            "FGSM": foolbox.attacks.FGSM(),
            "PGD": foolbox.attacks.LinfPGD(rel_stepsize=step, steps=arguments.steps),
            "PGD by length": foolbox.attacks.L2PGD(rel_stepsize=step, steps=arguments.steps),
        }
        begin = time.perf_counter()
        left = [accuracy(model, in_parts(images, labels, own[name]), labels)]
        seconds["torchattacks"] += time.perf_counter() - begin
        begin = time.perf_counter()
        attack = others[name]
        changed = images if attack is None else in_parts(
            images, labels, lambda images, labels: attack(judged, images, labels, epsilons=strength)[1]
        )  # fmt: skip
        left.append(accuracy(model, changed, labels))
        seconds["Foolbox"] += time.perf_counter() - begin
        rows[name, strength] = left
    return rows, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model file of the network `cnn`")
    parser.add_argument("--data", required=True, help="folder with MNIST's files")
    parser.add_argument("--program", default=environment.PROGRAMS / "mnist", help="the program `mnist`")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.3])
    parser.add_argument("--attacks", nargs="+", default=ATTACKS, choices=ATTACKS)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    environment.go_on_with_peers(arguments.threads)
    environment.prepare_data(pathlib.Path(arguments.data).parent, {"mnist"})
    found, seconds = fireclay(arguments)
    rows, of_peers = peers(arguments, found)
    print(f"{'right after':24} {'Fireclay':>10} {'torchattacks':>13} {'Foolbox':>10}   points between")
    for (name, strength), ours in found.items():
        left = [ours, *rows[name, strength]]
        shown = [f"{100 * value:.2f} %" for value in left]
        apart = max(abs(ours - other) for other in left[1:])
        print(f"{name + ' ' + str(strength):24} {shown[0]:>10} {shown[1]:>13} {shown[2]:>10}   {100 * apart:.2f}")
    worst = max(max(abs(ours - other) for other in rows[key]) for key, ours in found.items())
    took = ", ".join(f"{name} {value:.0f} s" for name, value in of_peers.items())
    print(f"Fireclay {seconds:.0f} s with corruptions, {took}; {arguments.threads} threads")
    if worst > MOST_APART:
        sys.exit(f"{100 * worst:.2f} points between two of them; at most {100 * MOST_APART:.2f} are expected")


if __name__ == "__main__":
    main()
