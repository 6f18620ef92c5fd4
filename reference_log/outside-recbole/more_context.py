"""Our SASRec runs tested with more events than they were trained for: does what they see at the test explain a loss?

python reference_log/outside-recbole/more_context.py RUN… --domain dataset/movielens/processed/ML100k
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the repository, as this is no package

from data.batches import HistoryDataset
from data.domain import Domain
from data.targets import targets_of
from trainer.checkpoint import build_system, read_checkpoint, system_weights
from trainer.metrics import ndcg
from trainer.ranks import target_ranks

EVENTS = (10, 14, 19, 30)


@torch.no_grad()
def main() -> None:
    """NDCG@10 as published, a row a run and stage, a column a number of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of main.py, on ids alone")
    parser.add_argument("--domain", type=Path, required=True, help="processed domain folder")
    given = parser.parse_args()
    domain = Domain(given.domain)
    store, rows = domain.store(), []
    for run in given.runs:
        checkpoint = read_checkpoint(run / "best.ckpt")
        system = build_system(checkpoint)
        system.bind(len(domain.items), {}, {})
        system.load_state_dict(system_weights(checkpoint))
        system.eval()
        for stage in ("val", "test"):
            targets, gains = targets_of(store, stage, "leave_one_out"), []
            for events in EVENTS:
                batch = HistoryDataset(store, targets, events, True).__getitems__(np.arange(len(store)))
                users = system.user(batch.items, batch.lengths, batch.timestamps)
                ranks, _ = target_ranks(users, system.item_vectors(), batch.targets, batch.seen)
                gains.append(ndcg(ranks).mean().item())
            rows.append([run.name, stage, *gains])
    sys.stdout.write(tabulate(rows, ["run", "stage", *map(str, EVENTS)], floatfmt=".4f") + "\n")


if __name__ == "__main__":
    main()
