"""Fine-tune one domain and test it: ``python main.py --config configs/finetune/scientific.yaml``."""

from trainer.cli import CONFIGS, RunCLI, run


def main() -> None:
    """Train (``--backbone``: from pretrained weights; ``--ckpt_path``: resumed), then test the best epoch.

    ``--trainer.max_epochs 0`` tests a backbone's weights as they are.
    """
    cli = RunCLI(CONFIGS / "finetune" / "default.yaml")
    cli.fit()
    cli.test(cli.folder / "best.ckpt")


if __name__ == "__main__":
    run(main)
