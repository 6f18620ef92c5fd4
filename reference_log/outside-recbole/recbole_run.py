"""RecBole's SASRec or GRU4Rec on a processed domain of ours, through its public interface alone.

Writes ``OUT.json`` (its own metrics, epochs, CPU seconds) and ``OUT.npz`` (its test scores in our item ids, for our
metrics).

Shapes: U users, I items (id 0 padding).
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from recbole_data import check_same, read_histories, write_interactions

SIZES: dict[str, dict[str, Any]] = {  # RecBole's defaults, but for the dropouts, which are ours
    "SASRec": {"hidden_size": 64, "inner_size": 256, "n_layers": 2, "n_heads": 2}
    | {"hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2},
    "GRU4Rec": {"embedding_size": 64, "hidden_size": 128, "num_layers": 1, "dropout_prob": 0.2},
}
WHOLE = {"seed": 2020, "length": 10, "batch": 256, "epochs": 20, "patience": 4}  # options of whole numbers


def main() -> None:
    """Train until validation stops improving, test the best epoch."""
    given = arguments()
    sys.argv = sys.argv[:1]  # RecBole reads the command line too
    given.work.mkdir(parents=True, exist_ok=True)
    os.chdir(given.work)  # RecBole writes logs to where it is started
    histories = read_histories(given.domain)
    write_interactions(histories, given.work / given.domain.name / f"{given.domain.name}.inter")
    config = Config(model=given.model, dataset=given.domain.name, config_dict=settings(given))
    init_seed(config["seed"], config["reproducibility"])
    train, val, test = data_preparation(config, create_dataset(config))
    for split, held in ((train, None), (val, 1), (test, 0)):
        check_same(split.dataset, histories, held, given.length)
    init_seed(config["seed"], config["reproducibility"])
    model = get_model(config["model"])(config, train.dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    ends, scores = [process_time()], []

    def each_epoch(_: int, score: float) -> None:
        ends.append(process_time())
        scores.append(score)

    trainer.fit(train, val, saved=True, show_progress=False, callback_fn=each_epoch)
    # by hand: RecBole keeps its settings beside the weights, and torch by now refuses to load such a file by default
    model.load_state_dict(torch.load(trainer.saved_model_file, weights_only=False)["state_dict"])
    metrics = trainer.evaluate(test, load_best_model=False, show_progress=False)
    np.savez(f"{given.out}.npz", **test_scores(model, test))
    report = {
        "seed": given.seed,
        "recbole_metrics": {name: float(value) for name, value in metrics.items()},
        "val": [float(score) for score in scores],
        "cpu_seconds": np.diff(ends).round(3).tolist(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in ("recbole", "torch")},
        "threads": torch.get_num_threads(),
    }
    Path(f"{given.out}.json").write_text(json.dumps(report, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(SIZES), required=True)
    for name in ("domain", "work", "out"):  # processed folder; RecBole's own files; what to write, without its ending
        parser.add_argument(f"--{name}", type=lambda given: Path(given).resolve(), required=True)
    for name, value in WHOLE.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args()


def settings(given: argparse.Namespace) -> dict[str, Any]:
    """Leave-one-out, all items ranked, nothing filtered or removed, cross-entropy, Adam."""
    return SIZES[given.model] | {
        "data_path": str(given.work), "checkpoint_dir": str(given.work / "checkpoints"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "MAX_ITEM_LIST_LENGTH": given.length,
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": None},
        "repeatable": True, "loss_type": "CE", "train_neg_sample_args": None,
        "learner": "adam", "learning_rate": 1e-3, "train_batch_size": given.batch, "eval_batch_size": 1024,
        "epochs": given.epochs, "stopping_step": given.patience - 1,  # RecBole stops when it is exceeded
        "metrics": ["Hit", "NDCG"], "topk": [10], "valid_metric": "NDCG@10", "metric_decimal_place": 12,
        "seed": given.seed, "use_gpu": False, "show_progress": False,
    }  # fmt: skip


@torch.no_grad()
def test_scores(model: Any, test: Any) -> dict[str, Any]:
    """``users (U,)``, ``targets (U,)`` and ``scores (U, I+1)`` in our ids; the column of padding is left 0."""
    model.eval()
    parts = [(batch, model.full_sort_predict(batch).view(len(batch), -1)) for batch, *_ in test]
    users, items = (test.dataset.field2id_token[name][1:].astype(int) for name in ("user_id", "item_id"))
    theirs = np.concatenate([scores.numpy() for _, scores in parts])
    ours = np.zeros((len(theirs), items.max() + 1), np.float32)
    ours[:, items] = theirs[:, 1:]
    user, target = (np.concatenate([batch[name].numpy() for batch, _ in parts]) for name in ("user_id", "item_id"))
    return {"users": users[user - 1], "targets": items[target - 1], "scores": ours}


if __name__ == "__main__":
    main()
