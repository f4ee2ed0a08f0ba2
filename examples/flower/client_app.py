"""A Flower ClientApp that trains and evaluates with a program of Fireclay.

Settings are those of the run, then what the server sends with a message, then those of the node, which win:

program             path of the program: mnist, cifar, imdb or fireclay
model               path of the model file that all nodes began with
flags               flags of `federate round` and `evaluate`, such as "--data-dir DIGITS --threads 2"
partition-id and num-partitions
                    take one part of the data, counted from 0; without them the node trains on all that it has
split, split-seed   how the parts are made
local-epochs, batch-size, learning-rate, proximal-mu, seed
                    how the node trains
"""

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from program import call, check_same, load, save

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Trains from the server's weights and answers with the weights that come of it."""
    settings = settings_of(message, context)
    arrays, epochs = message.content["arrays"], settings["local-epochs"]
    with TemporaryDirectory() as folder:
        begin, end = Path(folder, "begin.safetensors"), Path(folder, "end.safetensors")
        save(arrays, begin)
        update = call(
            settings["program"], "local_update",
            "federate", "round", settings["model"], "--weights", begin, "--out", end,
            "--epochs", epochs, "--first-epoch", (settings["server-round"] - 1) * epochs,
            "--batch-size", settings["batch-size"], "--learning-rate", settings["learning-rate"],
            "--proximal-mu", settings["proximal-mu"], "--seed", settings["seed"],
            *part(settings), *shlex.split(settings["flags"]),
        )  # fmt: skip
        trained = load(end)
    check_same(arrays, trained)
    metrics = MetricRecord({**update["metrics"], "num-examples": update["samples"]})
    return Message(RecordDict({"arrays": trained, "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Answers with the loss of the server's weights on the node's test data, and the accuracy where there is one."""
    settings = settings_of(message, context)
    with TemporaryDirectory() as folder:
        weights, model = Path(folder, "weights.safetensors"), Path(folder, "model.fireclay")
        save(message.content["arrays"], weights)
        call(settings["program"], "written",
             "federate", "apply", settings["model"], "--weights", weights, "--out", model)  # fmt: skip
        found = call(settings["program"], "evaluation", "evaluate", model, *shlex.split(settings["flags"]))
    metrics = MetricRecord({"loss": found["loss"], "num-examples": found["samples"]})
    if found["report"]:  # Of classes; null for other tasks.
        metrics["accuracy"] = found["report"]["accuracy"]
    return Message(RecordDict({"metrics": metrics}), reply_to=message)


def settings_of(message: Message, context: Context) -> dict:
    """All settings by name."""
    return {**context.run_config, **message.content["config"], **context.node_config}


def part(settings: dict) -> list:
    """Flags for a part of the data, where the node has only one."""
    if "partition-id" not in settings:
        return []
    number, parts = settings["partition-id"] + 1, settings["num-partitions"]
    return ["--part", f"{number}/{parts}", "--split", settings["split"], "--split-seed", settings["split-seed"]]
