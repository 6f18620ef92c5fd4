"""Sizes count from 1."""


def check_sizes(**counts: int) -> None:
    """Raises ``ValueError`` naming the sizes below 1."""
    if small := [f"{name} = {value}" for name, value in counts.items() if value < 1]:
        raise ValueError(f"{', '.join(small)}: sizes count from 1")
