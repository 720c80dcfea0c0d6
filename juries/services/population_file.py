"""`population.csv`: the share of each feature value in the population."""

import csv
from collections.abc import Mapping
from io import StringIO

from juries.domain.pool_files import CategoriesFile, RowError, RowErrorCode

FILE = "population.csv"
SUM_TOLERANCE = 0.005
Shares = dict[tuple[str, str], float]


def parse_population(
    *, content: bytes, categories: CategoriesFile
) -> tuple[Shares, tuple[RowError, ...]]:
    """Read `feature,value,share` rows; shares as 0.51 or 51 %.

    Returns:
        the shares by (feature, value), and everything that is wrong with the file.
    """
    errors: list[RowError] = []

    def add(row: int, column: str, value: str, code: RowErrorCode, message: str) -> None:
        errors.append(RowError(FILE, row, column, value[:200], code, message))

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        add(
            1,
            "",
            "",
            RowErrorCode.WRONG_ENCODING,
            f"Byte {problem.start} is not UTF-8; save the file as CSV UTF-8.",
        )
        return {}, tuple(errors)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=lambda mark: (first.count(mark), mark == ","))
    rows = list(csv.reader(StringIO(text, newline=""), delimiter=separator))
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    place = {
        "feature": next((i for i, n in enumerate(header) if n in ("feature", "category")), -1),
        "value": next((i for i, n in enumerate(header) if n in ("value", "name")), -1),
        "share": header.index("share") if "share" in header else -1,
    }
    for column, at in place.items():
        if at < 0:
            add(
                1,
                column,
                ", ".join(header),
                RowErrorCode.MISSING_COLUMN,
                f"The column {column!r} is missing; the header needs feature,value,share.",
            )
    if errors:
        return {}, tuple(errors)
    known = {(f, value.value) for f, values in categories.features for value in values}
    shares: Shares = {}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= max(place.values()):
            add(number, "", "", RowErrorCode.RAGGED_ROW, f"The row has only {len(cells)} cells.")
            continue
        feature, value, share = (cells[place[c]].strip() for c in ("feature", "value", "share"))
        fraction = _fraction(share)
        if (feature, value) not in known:
            add(
                number,
                "value",
                value,
                RowErrorCode.UNKNOWN_VALUE,
                f"{feature}: {value} is not among the categories.",
            )
        elif (feature, value) in shares:
            add(
                number,
                "value",
                value,
                RowErrorCode.REPEATED_CATEGORY,
                f"{feature}: {value} stands more than once; keep one row.",
            )
        elif fraction is None:
            add(
                number,
                "share",
                share,
                RowErrorCode.UNKNOWN_VALUE,
                f"The share is {share!r}; write a number from 0 to 1, or a percentage with %.",
            )
        else:
            shares[feature, value] = fraction
    if not errors:
        errors.extend(_sum_errors(shares))
    return shares, tuple(errors)


def _fraction(text: str) -> float | None:
    percent = text.endswith("%")
    try:
        number = float(text.rstrip("% "))
    except ValueError:
        return None
    number = number / 100 if percent else number
    return number if 0 <= number <= 1 else None


def _sum_errors(shares: Shares) -> list[RowError]:
    return [
        RowError(
            FILE,
            1,
            feature,
            f"{total:.4f}",
            RowErrorCode.CROSSED_BOUNDS,
            sum_in_words(feature, total),
        )
        for feature, total in sums_that_are_off(shares).items()
    ]


def sums_that_are_off(shares: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Sums of shares by (feature, value) that are not 1, by feature."""
    totals: dict[str, float] = {}
    for (feature, _), share in shares.items():
        totals[feature] = totals.get(feature, 0.0) + share
    return {feature: total for feature, total in totals.items() if abs(total - 1) > SUM_TOLERANCE}


def sum_in_words(feature: str, total: float) -> str:
    """What is wrong with the shares of a feature."""
    return f"The shares of {feature} add up to {total:.4f} instead of 1."
