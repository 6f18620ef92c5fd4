"""Evaluate a checkpoint: ``python test.py --config RUN/config.yaml --ckpt_path RUN/best.ckpt``."""

from trainer.cli import CONFIGS, TestCLI, run


def main() -> None:
    """Test on the config's domain; writes a run folder of its own."""
    cli = TestCLI(CONFIGS / "finetune" / "default.yaml")
    assert cli.resume is not None
    cli.test(cli.resume)


if __name__ == "__main__":
    run(main)
