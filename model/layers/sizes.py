"""What numbers a system may be given."""


def check_sizes(**counts: int) -> None:
    """Raises ``ValueError`` naming the sizes below 1."""
    if small := [f"{name} = {value}" for name, value in counts.items() if value < 1]:
        raise ValueError(f"{', '.join(small)}: sizes count from 1")


def check_temperature(temperature: float) -> None:
    """Raises ``ValueError`` where it is not positive."""
    if temperature <= 0:
        raise ValueError(f"temperature = {temperature}: it divides every score; give a number above 0")


def check_decay(decay: float) -> None:
    """Raises ``ValueError`` unless it is above 0 and at most 1."""
    if not 0 < decay <= 1:
        raise ValueError(f"decay = {decay}: give a number above 0 and at most 1, which forgets nothing")
