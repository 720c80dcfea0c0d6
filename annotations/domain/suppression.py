"""Small cells: blanking traits until nobody stands out by a combination of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

RULE = (
    "A person's traits are blanked from the last one on until every combination shown, blanks "
    "included, is shared by at least {below} people, or nothing of the person's traits is shown."
)


class InvalidThreshold(ValueError):
    """The size of the smallest cell shown is negative."""


@dataclass(frozen=True)
class Suppression:
    """Traits after blanking.

    Attributes:
        rows: one tuple of traits a person, in the order given; None where blanked or unknown.
        people_changed: how many people lost at least one trait.
        cells_blanked: how many traits were blanked in all.
        people_blank: how many of those changed have no trait left.
    """

    rows: tuple[tuple[str | None, ...], ...]
    people_changed: int
    cells_blanked: int
    people_blank: int


def suppress_small_cells(*, rows: Sequence[Sequence[str | None]], below: int) -> Suppression:
    """Blank traits until each combination that is shown stands for at least `below` people.

    This is k-anonymity by local suppression (Sweeney 2002, section 4, with suppression of single
    cells): a combination counts with its blanks, so that what is left over after blanking is not
    itself a small group. Earlier traits survive longer; put the more telling ones last.

    Args:
        rows: shape (people, traits); None where a trait is not known.
        below: the least number of people that share a combination; 0 or 1 blanks nothing.

    Raises:
        InvalidThreshold: `below` is negative.
        ValueError: rows of different lengths.
    """
    if below < 0:
        raise InvalidThreshold(f"Cells can't be suppressed below {below}; give 0 or more.")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"Every person needs the same traits, but rows have {sorted(lengths)}.")
    current = [tuple(row) for row in rows]
    while below > 1:
        counts = Counter(current)
        small = [
            index
            for index, row in enumerate(current)
            if counts[row] < below and any(cell is not None for cell in row)
        ]
        if not small:
            break
        for index in small:
            current[index] = _without_last(current[index])
    changed = [
        (before, after)
        for before, after in zip(rows, current, strict=True)
        if tuple(before) != after
    ]
    return Suppression(
        rows=tuple(current),
        people_changed=len(changed),
        cells_blanked=sum(
            one is not None and other is None
            for before, after in changed
            for one, other in zip(before, after, strict=True)
        ),
        people_blank=sum(all(cell is None for cell in after) for _, after in changed),
    )


def _without_last(row: tuple[str | None, ...]) -> tuple[str | None, ...]:
    last = max(index for index, cell in enumerate(row) if cell is not None)
    return (*row[:last], None, *row[last + 1 :])
