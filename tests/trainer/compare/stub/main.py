"""Stands in for main.py: leaves what a finished run leaves, in milliseconds, and writes down when it began and ended.

Its accuracy follows from ``--lr`` and the seed. ``--broken=true`` fails with a message, ``--killed=true`` kills itself,
and so does a backbone that is not there.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:])
folder, seed = Path(options["run_dir"]), int(options["seed_everything"])
log = Path(os.environ["STUB_LOG"])


def note(what: str) -> None:
    with log.open("a") as file:
        file.write(f"{what} {folder}\n")


note("start")
time.sleep(float(os.environ.get("STUB_SECONDS", "0")))
if options.get("broken") == "true":
    sys.stderr.write("error: the optimizer stumbled\n")
    sys.exit(2)
if options.get("killed") == "true" or not Path(options.get("backbone", __file__)).is_file():
    os.kill(os.getpid(), signal.SIGKILL)

rate = float(options.get("model.optimizer.init_args.lr", "0.001"))
users = 40
# the closer to 0.003, the fewer miss
ranks = np.random.default_rng(seed).integers(0, 10 + round(2000 * abs(rate - 0.003)), users).astype(np.float64)
gains = np.where(ranks < 10, 1 / np.log2(ranks + 2), 0)
metrics = {"hit@10": float((ranks < 10).mean()), "ndcg@10": float(gains.mean())}
columns = dict.fromkeys(("users", "targets", "lengths"), np.arange(users)) | {
    "ranks": ranks, "ranks_removed": ranks, "lists": np.ones((users, 10), np.int32),
    "lists_removed": np.ones((users, 10), np.int32),
}  # fmt: skip
slices = [{"slice": "all", "users": users, "test/ndcg@10": 0.1, "test_removed/ndcg@10": None}]
lists = {"coverage@10": 0.5, "diversity@10": None}
result = {
    "metrics": {f"{stage}/{name}": value for stage in ("test", "test_removed") for name, value in metrics.items()},
    "best_val": metrics["ndcg@10"], "epochs_to_best": min(1, int(options["trainer.max_epochs"])),
    "seconds_to_best": 1.0, "seconds": 2.0, "parameters": 7,
    "seed": seed, "backbone": options.get("backbone"),
}  # fmt: skip
folder.mkdir(parents=True)
save_file(columns, folder / "ranks.safetensors")
(folder / "config.yaml").write_text(json.dumps({"data": {"domain": options["data.domain"]}}))
(folder / "metrics.csv").write_text(f"epoch,val/ndcg@10\n0,{metrics['ndcg@10']}\n")
(folder / "slices.json").write_text(
    json.dumps({"lists": {"test": lists, "test_removed": lists}, "history_length": slices, "popularity": slices})
)
(folder / "test.json").write_text(json.dumps(result))
note("end")
