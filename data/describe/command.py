"""The command ``python prepare.py describe``."""

import logging
from pathlib import Path

import orjson
from tabulate import tabulate

from data.describe.facts import facts_of, overlap_rows
from data.describe.page import page_of
from data.describe.report import Report, describe
from data.files import atomic_file, one_writer, sweep

logger = logging.getLogger(__name__)


def describe_domains(domains: list[Path], out: Path = Path("saved/describe")) -> None:
    """Report what is in processed domains: a table here, describe.html with pictures, describe.json with the numbers.

    Sizes, repeats, history lengths, times between events, popularity, what is known of the items, and with several
    domains the items and users that they share. The page asks for nothing outside itself.

    Args:
        domains: processed folders, merged ones and published ones too.
        out: folder of the report; an earlier one is replaced.

    Raises:
        ValueError: no domain, one given twice, or one that is malformed (with file and line).
    """
    report = describe(domains, out)
    files = {
        "describe.json": orjson.dumps(report.values(), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n",
        "describe.html": page_of(report).encode(),
    }
    with one_writer(out):
        for name, content in files.items():
            sweep(out / name)
            with atomic_file(out / name) as part:
                part.write_bytes(content)
    logger.info("%s\n\npictures in %s", _tables(report), out / "describe.html")


def _tables(report: Report) -> str:
    names = [one.name for one in report.domains]
    facts = [[fact.name, *fact.cells] for fact in facts_of(report)]
    shared = [_table(overlap_rows(report, what), [f"{what} shared", *names]) for what in report.overlap or ()]
    return "\n\n".join([_table(facts, ["", *names]), *shared])


def _table(rows: list[list[str]], heads: list[str]) -> str:
    aligned = ("left", *["right"] * (len(heads) - 1))
    return tabulate(rows, heads, disable_numparse=True, colalign=aligned)
