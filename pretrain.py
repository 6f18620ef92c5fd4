"""Pretrain on the merged domains: ``python pretrain.py``."""

from trainer.cli import CONFIGS, RunCLI, run


def main() -> None:
    """Train; ``best.ckpt`` in the run's folder is the backbone for main.py."""
    RunCLI(CONFIGS / "pretrain" / "default.yaml").fit()


if __name__ == "__main__":
    run(main)
