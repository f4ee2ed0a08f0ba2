"""Measures PyTorch's all-reduce over gloo; see `bench/allreduce.py`.

Each rank is started with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; rank 0 prints a line of JSON for each length."""

import json
import sys
import time

import torch
import torch.distributed as dist


def main():
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    for word in sys.argv[1:]:
        length, calls = map(int, word.split(":"))
        values, times = torch.zeros(length), []
        for call in range(calls + calls // 5 + 1):
            values.fill_(rank + 1.0)
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(values)
            elapsed = time.perf_counter() - start
            assert bool((values == size * (size + 1) / 2).all())
            if call > calls // 5:
                times.append(round(elapsed * 1e6, 1))
        if rank == 0:
            print(json.dumps({"length": length, "ranks": size, "us": times}), flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
