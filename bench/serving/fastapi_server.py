"""FastAPI on uvicorn, as someone writes it who wants it fast: orjson both ways, no schema between, uvloop and httptools, and the
network called where the request is read, since a hop to another thread costs more than a small network.

    python fastapi_server.py --engine onnxruntime --model FOLDER/mlp --port 8000 --workers 2 --threads 1
"""

import argparse
import os

import numpy
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

import engines


def application():
    """Made in each worker, which are processes of their own."""
    predict = engines.load(os.environ["ENGINE"], os.environ["MODEL"], int(os.environ["THREADS"]))
    app = FastAPI()

    @app.post("/predict")
    async def answer(request: Request):
        pictures = numpy.asarray(orjson.loads(await request.body())["instances"], dtype=numpy.float32)
        answer = {"predictions": predict(pictures)}
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    flags = parser.parse_args()
    os.environ |= {"ENGINE": flags.engine, "MODEL": flags.model, "THREADS": str(flags.threads)}
    uvicorn.run("fastapi_server:application", factory=True, host="127.0.0.1", port=flags.port, workers=flags.workers,
                loop="uvloop", http="httptools", access_log=False, log_level="warning")  # fmt: skip
