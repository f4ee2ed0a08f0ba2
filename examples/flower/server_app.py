"""A Flower ServerApp: FedAvg from the weights of a model file of Fireclay to another model file."""

from pathlib import Path
from tempfile import TemporaryDirectory

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from program import call, check_same, load, save

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Runs the rounds and writes the model file `out`."""
    config = context.run_config
    program, model, out, nodes = config["program"], config["model"], Path(config["out"]), config["min-nodes"]
    if not out.parent.is_dir():
        raise FileNotFoundError(f"cannot write {out}: its folder does not exist")
    strategy = FedAvg(min_train_nodes=nodes, min_evaluate_nodes=nodes, min_available_nodes=nodes)
    with TemporaryDirectory() as folder:
        weights = Path(folder, "weights.safetensors")
        call(program, "written", "federate", "weights", model, "--out", weights)
        begin = load(weights)
        result = strategy.start(grid=grid, initial_arrays=begin, num_rounds=config["num-server-rounds"])
        if not result.arrays:
            raise RuntimeError("no client trained; the messages above say why")
        check_same(begin, result.arrays)
        save(result.arrays, weights)
        call(program, "written", "federate", "apply", model, "--weights", weights, "--out", out)
