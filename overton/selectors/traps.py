"""Pairs on which readers that go by words alone are wrong: a judge's test that needs no labels."""

import csv
from dataclasses import dataclass
from functools import cache

from django.conf import settings

FILE = settings.BASE_DIR / "fixtures" / "entailment_traps.csv"
EXPRESSES = "expresses"


@dataclass(frozen=True)
class Traps:
    """Pairs written by hand, a row each.

    Attributes:
        kinds: of trap, such as "negation".
        premises: what is said.
        hypotheses: what it may express.
        expressed: whether it does, by those who wrote them.
    """

    kinds: tuple[str, ...]
    premises: tuple[str, ...]
    hypotheses: tuple[str, ...]
    expressed: tuple[bool, ...]


@cache
def written_traps() -> Traps:
    """The traps that come with Venire (`fixtures/README.md` describes the file)."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return Traps(
        kinds=tuple(row["type"] for row in rows),
        premises=tuple(row["premise"] for row in rows),
        hypotheses=tuple(row["hypothesis"] for row in rows),
        expressed=tuple(row["label"] == EXPRESSES for row in rows),
    )
