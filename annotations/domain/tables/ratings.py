"""Ratings and who gave them, read from a table of ratings or from a document of rater matrices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotations.domain.tables.outside import LONGEST_ID, OutsideTable, Problems, TableUnreadable


@dataclass(frozen=True, slots=True)
class OutsideItem:
    """A text that was rated: the query's text may be empty where only texts were shown."""

    row: int
    id: str
    query: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class OutsideRating:
    """A number, or None for "can't say"."""

    row: int
    rater: str
    item: str
    value: float | None


@dataclass(frozen=True, slots=True)
class OutsideRatings:
    """Raters with their traits, what they rated, and how.

    Attributes:
        traits: names of the traits, in the order asked for.
        raters: id -> traits; a trait that is not known of a rater is left out.
        items: id -> item, in the order of the table.
        ratings: one for each rater and item.
        problems: what is wrong; import nothing where there are any.
    """

    traits: tuple[str, ...]
    raters: Mapping[str, Mapping[str, str]]
    items: Mapping[str, OutsideItem]
    ratings: tuple[OutsideRating, ...]
    problems: Problems


@dataclass(frozen=True, slots=True)
class DeclaredScale:
    """The scale of ratings from outside: bounds that the researchers declare, never observed.

    Attributes:
        low: lowest value.
        high: highest value, above low.
        step: distance of two values; None: any number between.
        values: words in place of numbers, such as {"Yes": 1, "No": 0}; None means "can't say".
    """

    low: float
    high: float
    step: float | None = 1.0
    values: Mapping[str, float | None] = field(default_factory=dict)

    def number(self, written: str) -> float | None:
        """The number that a cell means, None for "can't say".

        Raises:
            ValueError: no number, or not on the scale; says what is legal.
        """
        if written in self.values:
            return self.values[written]
        try:
            value = float(written)
        except ValueError:
            words = "".join(f", {word!r}" for word in self.values)
            raise ValueError(
                f"{written!r} is no rating; legal are numbers from {self.low:g} to "
                f"{self.high:g}{words}."
            ) from None
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise ValueError(f"{written} is outside the scale from {self.low:g} to {self.high:g}.")
        if self.step:
            steps = (value - self.low) / self.step
            if abs(steps - round(steps)) > 1e-9 * max(1.0, abs(steps)):
                raise ValueError(
                    f"{written} is not on the scale from {self.low:g} to {self.high:g} in steps of "
                    f"{self.step:g}; declare another step if it is right."
                )
        return value


@dataclass(frozen=True, slots=True)
class RatingColumns:
    """Which column of a long table holds what; an empty name: there is none.

    Attributes:
        juror: id of the rater.
        item: id of what was rated.
        text: what was rated.
        rating: how.
        query: what the text answers.
        source: who or what wrote the text.
        traits: columns with traits of the rater.
    """

    juror: str
    item: str
    text: str
    rating: str
    query: str = ""
    source: str = ""
    traits: tuple[str, ...] = ()


def read_ratings(
    table: OutsideTable, *, columns: RatingColumns, scale: DeclaredScale
) -> OutsideRatings:
    """Ratings of a long table: one row for each rater and item.

    Raises:
        ColumnMissing: a column is not there.
    """
    rater_at, item_at = table.place(columns.juror), table.place(columns.item)
    text_at, rating_at = table.place(columns.text), table.place(columns.rating)
    query_at = table.place(columns.query) if columns.query else None
    source_at = table.place(columns.source) if columns.source else None
    traits_at = [table.place(name) for name in columns.traits]
    problems = Problems()
    raters: dict[str, dict[str, str]] = {}
    first_rows: dict[str, int] = {}
    items: dict[str, OutsideItem] = {}
    ratings: dict[tuple[str, str], OutsideRating] = {}
    for number, cells in table.rows:
        rater, item = cells[rater_at].strip(), cells[item_at].strip()
        if not _ids_are_good(number, rater, item, columns, problems):
            continue
        traits = {
            name: cells[place].strip()
            for name, place in zip(columns.traits, traits_at, strict=True)
            if cells[place].strip()
        }
        _join_rater(number, rater, traits, raters, first_rows, problems)
        found = OutsideItem(
            row=number,
            id=item,
            query="" if query_at is None else cells[query_at].strip(),
            text=cells[text_at].strip(),
            source="" if source_at is None else cells[source_at].strip(),
        )
        if not found.text:
            problems.add(number, columns.text, f"blank, but {item!r} needs a text.")
            continue
        known = items.setdefault(item, found)
        if (known.query, known.text, known.source) != (found.query, found.text, found.source):
            problems.add(
                number, columns.text, f"{item!r} has another text or source in row {known.row}."
            )
        try:
            value = scale.number(cells[rating_at].strip())
        except ValueError as problem:
            problems.add(number, columns.rating, str(problem))
            continue
        before = ratings.setdefault((rater, item), OutsideRating(number, rater, item, value))
        if before.row != number:
            problems.add(
                number,
                columns.rating,
                f"{rater!r} has rated {item!r} in row {before.row} already.",
            )
    return OutsideRatings(columns.traits, raters, items, tuple(ratings.values()), problems)


def _ids_are_good(
    number: int, rater: str, item: str, columns: RatingColumns, problems: Problems
) -> bool:
    before = problems.total
    for column, written in ((columns.juror, rater), (columns.item, item)):
        if not written:
            problems.add(number, column, "blank; every rating needs a rater and an item.")
        elif len(written) > LONGEST_ID:
            problems.add(number, column, f"{len(written)} characters; {LONGEST_ID} are allowed.")
    return problems.total == before


def _join_rater(
    number: int,
    rater: str,
    traits: dict[str, str],
    raters: dict[str, dict[str, str]],
    first_rows: dict[str, int],
    problems: Problems,
) -> None:
    known = raters.get(rater)
    if known is None:
        raters[rater] = traits
        first_rows[rater] = number
        return
    for name, value in traits.items():
        if known.setdefault(name, value) != value:
            problems.add(
                number,
                name,
                f"{rater!r} has {value!r} here, but {known[name]!r} in row {first_rows[rater]}; "
                "a person has one value of each trait.",
            )


def read_rater_matrix(document: Any, *, scale: DeclaredScale, metric: str = "") -> OutsideRatings:
    """Ratings of a DICES-style document: for each instance a list, position k is the same rater k.

    Args:
        document: parsed JSON, ``{"instances": [{"id", "instance": {...}, "annotations": {metric:
            {"individual_human_scores": [...]}}}]}``. Of an instance, ``response`` is what was
            rated and the other texts are what it answers; a single text is what was rated. A null
            in the list: this rater did not rate.
        scale: with the words that stand in the lists.
        metric: which of the annotations; empty: the only one.

    Rows of problems count the instances from 1. Raises ``TableUnreadable`` where the document has
    another shape, or lists of different lengths.
    """
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not instances:
        raise TableUnreadable('The document has no list "instances".')
    problems = Problems()
    raters: dict[str, dict[str, str]] = {}
    items: dict[str, OutsideItem] = {}
    ratings: list[OutsideRating] = []
    width = -1
    for number, instance in enumerate(instances, start=1):
        scores = _scores(number, instance, metric)
        if width < 0:
            width = len(scores)
            digits = len(str(width))
            raters = {f"rater-{place:0{digits}}": {} for place in range(1, width + 1)}
        if len(scores) != width:
            raise TableUnreadable(
                f"Instance {number} has {len(scores)} ratings and the first {width}; position k "
                "must be the same rater in all lists."
            )
        item = _matrix_item(number, instance)
        if item.id in items:
            problems.add(number, "id", f"{item.id!r} is the id of instance {items[item.id].row}.")
            continue
        items[item.id] = item
        for rater, score in zip(raters, scores, strict=True):
            if score is None:
                continue
            try:
                value = scale.number(str(score).strip())
            except ValueError as problem:
                problems.add(number, rater, str(problem))
                continue
            ratings.append(OutsideRating(number, rater, item.id, value))
    return OutsideRatings((), raters, items, tuple(ratings), problems)


def _scores(number: int, instance: Any, metric: str) -> list[Any]:
    annotations = instance.get("annotations") if isinstance(instance, dict) else None
    if not isinstance(annotations, dict) or not annotations:
        raise TableUnreadable(f"Instance {number} has no annotations.")
    if not metric and len(annotations) > 1:
        raise TableUnreadable(f"Name one of the annotations: {', '.join(annotations)}.")
    chosen = annotations.get(metric) if metric else next(iter(annotations.values()))
    scores = chosen.get("individual_human_scores") if isinstance(chosen, dict) else None
    if not isinstance(scores, list):
        raise TableUnreadable(
            f"Instance {number} has no list individual_human_scores"
            + (f" under {metric!r}." if metric else ".")
        )
    return scores


def _matrix_item(number: int, instance: Mapping[str, Any]) -> OutsideItem:
    shown = instance.get("instance")
    texts = (
        {"text": shown}
        if isinstance(shown, str)
        else {
            str(name): value
            for name, value in (shown.items() if isinstance(shown, dict) else ())
            if isinstance(value, str)
        }
    )
    if not texts:
        raise TableUnreadable(f"Instance {number} has no text.")
    rated = "response" if "response" in texts else list(texts)[-1]
    return OutsideItem(
        row=number,
        id=str(instance.get("id", number)),
        query="\n\n".join(text for name, text in texts.items() if name != rated),
        text=texts[rated],
    )
