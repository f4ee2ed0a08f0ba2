"""BentoML with its adaptive batching on.

    ENGINE=onnxruntime MODEL=FOLDER/mlp THREADS=1 bentoml serve bentoml_server:Pictures --port 8000
"""

import os

import bentoml
import numpy

import engines


@bentoml.service(workers=1, metrics={"enabled": False}, tracing={"sample_rate": 0.0},
                 logging={"access": {"enabled": False}}, traffic={"timeout": 60, "max_concurrency": 4096})  # fmt: skip
class Pictures:
    def __init__(self):
        self.run = engines.load(os.environ["ENGINE"], os.environ["MODEL"], int(os.environ["THREADS"]))

    @bentoml.api(route="/predict", batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, instances: numpy.ndarray) -> numpy.ndarray:
        return self.run(instances.astype(numpy.float32, copy=False))
