"""LitServe with its batching on, and one process that computes beside one that reads requests.

    python litserve_server.py --engine onnxruntime --model FOLDER/mlp --port 8000 --threads 1
"""

import argparse

import litserve
import numpy

import engines


class Pictures(litserve.LitAPI):
    def __init__(self, engine, model, threads, **options):
        super().__init__(**options)
        self.engine = (engine, model, threads)

    def setup(self, device):
        self.run = engines.load(*self.engine)

    def decode_request(self, request):
        return numpy.asarray(request["instances"], dtype=numpy.float32)

    def batch(self, inputs):
        return numpy.concatenate(inputs)

    def predict(self, pictures):
        return self.run(pictures)

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"predictions": [output.tolist()]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--readers", type=int, default=1, help="processes that read requests")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-timeout", type=float, default=0.0, metavar="S", help="0 asks the queue without a pause")
    parser.add_argument("--fast-queue", action="store_true", help="ZeroMQ in place of multiprocessing's queue")
    flags = parser.parse_args()
    api = Pictures(flags.engine, flags.model, flags.threads, max_batch_size=64, batch_timeout=flags.batch_timeout)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=False, fast_queue=flags.fast_queue)
    server.run(host="127.0.0.1", port=flags.port, num_api_servers=flags.readers, generate_client_file=False,
               log_level="warning", access_log=False)  # fmt: skip
