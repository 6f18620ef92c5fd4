"""The text of an item: a template over what is known of it."""

from collections.abc import Mapping
from string import Formatter

FIELDS = ("title", "brand", "category", "description")
DEFAULT_TEMPLATE = "{title} {brand} {category} {description}"


def check_template(template: str) -> None:
    """Refuse a template that is not plain text around ``{field}`` with fields of `FIELDS`.

    Raises:
        ValueError: an unknown field, a format after the field, an open brace, or no field at all.
    """
    known = ", ".join(f"{{{field}}}" for field in FIELDS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"template {template!r}: {error}. Write fields as {known}.") from None
    fields = [part for part in parts if part[1] is not None]
    for _, field, spec, conversion in fields:
        if field not in FIELDS or spec or conversion:
            raise ValueError(f"template {template!r}: unknown field {{{field}}}. The fields are {known}.")
    if not fields:
        raise ValueError(f"template {template!r}: it names no field. The fields are {known}.")


def fill(template: str, fields: Mapping[str, str]) -> str:
    """The filled template with white space collapsed; ``""`` when no field is known."""
    if not any(fields.values()):
        return ""
    return " ".join(template.format_map(fields).split())
