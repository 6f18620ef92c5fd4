"""Evaluate a checkpoint: ``python test.py --config RUN/config.yaml --ckpt_path RUN/best.ckpt``."""

from trainer.cli import CONFIGS, TestCLI, run


def main() -> None:
    """Test on the config's domain; writes a run folder of its own."""
    cli = TestCLI(CONFIGS / "finetune" / "default.yaml")
    if cli.resume is None:
        raise ValueError("--ckpt_path is missing: give the checkpoint to test, e.g. the best.ckpt of a run")
    cli.test(cli.resume)


if __name__ == "__main__":
    run(main)
