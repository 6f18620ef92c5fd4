"""Pretrain on the merged domains: ``python pretrain.py``."""

from trainer.cli import CONFIGS, RunCLI, run


def main() -> None:
    """Train; ``best.ckpt`` in the run's folder is the backbone for main.py."""
    cli = RunCLI(CONFIGS / "pretrain" / "default.yaml")
    cli.fit()
    best = {cli.config.monitor: cli.lines.best_value} if cli.datamodule.holdout != "none" else {}
    cli.log_hyperparameters(best)


if __name__ == "__main__":
    run(main)
