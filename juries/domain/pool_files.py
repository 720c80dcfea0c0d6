"""The field's two CSV files: `categories.csv` (features, values, bounds) and `respondents.csv`
(people).

Both are read from bytes. Either a file is right and comes back whole, or InvalidPoolFile carries
every error with its row as a spreadsheet numbers it (the header is row 1). Separators may be
commas, semicolons or tabs.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO

from juries.domain.candidates import CandidateProfile
from juries.domain.quotas import Quota

MOST_ERRORS = 200
"""Errors that are kept with their text; the rest are counted."""

LONGEST_FEATURE = 80
LONGEST_VALUE = 120
LONGEST_ID = 120
LONGEST_CONTACT = 200

ID_COLUMNS = ("id", "nationbuilder_id", "external_id")
EMAIL_COLUMNS = ("email", "e-mail", "email_address")
NAME_COLUMNS = ("name", "full_name")
HOUSEHOLD_COLUMNS = ("household",)

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class RowErrorCode(StrEnum):
    """What is wrong, for programs; the message says it to people."""

    WRONG_ENCODING = "wrong_encoding"
    BROKEN_CSV = "broken_csv"
    EMPTY_FILE = "empty_file"
    MISSING_COLUMN = "missing_column"
    REPEATED_COLUMN = "repeated_column"
    RAGGED_ROW = "ragged_row"
    BLANK_VALUE = "blank_value"
    UNKNOWN_VALUE = "unknown_value"
    CASE_MISMATCH = "case_mismatch"
    BLANK_ID = "blank_id"
    REPEATED_ID = "repeated_id"
    REPEATED_CATEGORY = "repeated_category"
    NOT_A_WHOLE_NUMBER = "not_a_whole_number"
    NEGATIVE_NUMBER = "negative_number"
    CROSSED_BOUNDS = "crossed_bounds"
    BAD_EMAIL = "bad_email"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing to mend: where it stands, what stands there, and what to do."""

    file: str
    row: int
    column: str
    value: str
    code: RowErrorCode
    message: str


class InvalidPoolFile(ValueError):
    """A file can't be imported: `errors` in order of rows; `omitted` more were only counted."""

    def __init__(self, *, errors: Sequence[RowError], omitted: int) -> None:
        self.errors = tuple(errors)
        self.omitted = omitted
        first = self.errors[0]
        total = len(self.errors) + omitted
        rest = f" (and {total - 1} more)" if total > 1 else ""
        super().__init__(f"{first.file}, row {first.row}: {first.message}{rest}")


@dataclass(frozen=True, slots=True)
class ValueQuota:
    """A value with its bounds; flexible ones say how far they may give, None if not stated."""

    value: str
    minimum: int
    maximum: int
    flexible_minimum: int | None = None
    flexible_maximum: int | None = None


@dataclass(frozen=True, slots=True)
class CategoriesFile:
    """Features with their values, both in the order in which they first stand in the file."""

    features: tuple[tuple[str, tuple[ValueQuota, ...]], ...]


@dataclass(frozen=True, slots=True)
class Respondent:
    """One row: `values` in the order of the file's features; contact and household blank if not
    given.
    """

    row: int
    id: str
    values: tuple[str, ...]
    email: str = ""
    name: str = ""
    household: str = ""


@dataclass(frozen=True, slots=True)
class RespondentsFile:
    """Everyone in the file.

    `columns` are the features. `id_column` was named by the caller, known by its name, or, with
    `id_is_first_column`, taken because it stands first: say so to whoever imports.
    `ignored_columns` were read and not used.
    """

    columns: tuple[str, ...]
    rows: tuple[Respondent, ...]
    id_column: str
    id_is_first_column: bool
    email_column: str | None
    name_column: str | None
    household_columns: tuple[str, ...]
    ignored_columns: tuple[str, ...]


class _Errors:
    def __init__(self, file: str) -> None:
        self._file = file
        self._kept: list[RowError] = []
        self._omitted = 0

    def add(self, row: int, column: str, value: str, code: RowErrorCode, message: str) -> None:
        if len(self._kept) < MOST_ERRORS:
            self._kept.append(RowError(self._file, row, column, value[:200], code, message))
        else:
            self._omitted += 1

    def raise_if_any(self) -> None:
        if self._kept:
            raise InvalidPoolFile(errors=self._kept, omitted=self._omitted)


def parse_categories(*, content: bytes, file: str = "categories.csv") -> CategoriesFile:
    """Read features, values and bounds.

    Headers: `category,name`, `category,feature` or `feature,value`, then `min,max` and perhaps
    `min_flex,max_flex`, in any order and case; other columns are ignored. Raises InvalidPoolFile.
    """
    errors = _Errors(file)
    header, records = _table(content, errors)
    names = [cell.casefold() for cell in header]
    feature_column = "category" if "category" in names else "feature"
    candidates = ("name", "feature", "value") if feature_column == "category" else ("value", "name")
    value_column = next((name for name in candidates if name in names), candidates[-1])
    wanted = (feature_column, value_column, "min", "max")
    for column in wanted:
        if column not in names:
            errors.add(
                1,
                column,
                ", ".join(header),
                RowErrorCode.MISSING_COLUMN,
                f"The column {column!r} is missing; the header needs category,name,min,max"
                " (or feature,value,min,max).",
            )
    errors.raise_if_any()
    at = {name: names.index(name) for name in (*wanted, "min_flex", "max_flex") if name in names}
    features: dict[str, dict[str, ValueQuota]] = {}
    for row, cells in records:
        feature, value = cells[at[feature_column]], cells[at[value_column]]
        good = _named(errors, row, feature_column, feature, LONGEST_FEATURE)
        good &= _named(errors, row, value_column, value, LONGEST_VALUE)
        bounds = _bounds(errors, row, cells, at)
        if not good or bounds is None:
            continue
        known = features.setdefault(feature, {})
        if value in known:
            errors.add(
                row,
                value_column,
                value,
                RowErrorCode.REPEATED_CATEGORY,
                f"{feature}: {value} stands more than once; keep one row.",
            )
            continue
        known[value] = ValueQuota(value, *bounds)
    errors.raise_if_any()
    if not features:
        errors.add(
            1, "", "", RowErrorCode.EMPTY_FILE, "There is a header but no category below it."
        )
        errors.raise_if_any()
    return CategoriesFile(
        tuple((feature, tuple(values.values())) for feature, values in features.items())
    )


def parse_respondents(
    *,
    content: bytes,
    categories: CategoriesFile,
    file: str = "respondents.csv",
    id_column: str | None = None,
    email_column: str | None = None,
    name_column: str | None = None,
    household_columns: Sequence[str] | None = None,
) -> RespondentsFile:
    """Read the people, checking every value against `categories`.

    The id column is the named one, or else `id`, `nationbuilder_id` or `external_id`, or else the
    first column (flagged in the result) unless that is a feature. E-mail, name and household
    columns are the named ones, or those with a usual name that is not a feature. Several household
    columns form one key: trimmed, case-folded, spaces collapsed; all blank is nobody's household.
    Values are compared after trimming. Raises InvalidPoolFile.
    """
    errors = _Errors(file)
    header, records = _table(content, errors)
    names = {name.casefold(): name for name in header}
    features = tuple(feature for feature, _ in categories.features)
    for feature in features:
        if feature not in header:
            near = names.get(feature.casefold())
            hint = (
                f"there is {near!r}: write it as in the categories."
                if near
                else f"the file has {', '.join(header)}."
            )
            errors.add(
                1,
                feature,
                near or "",
                RowErrorCode.MISSING_COLUMN,
                f"The column {feature!r} is missing; {hint}",
            )
    id_name, is_first = _id_column(errors, header, features, id_column)
    email = _column(errors, header, features, email_column, EMAIL_COLUMNS)
    name = _column(errors, header, features, name_column, NAME_COLUMNS)
    if household_columns is None:
        found = _column(errors, header, features, None, HOUSEHOLD_COLUMNS)
        homes: tuple[str, ...] = (found,) if found else ()
    else:
        named = (_column(errors, header, features, home, ()) for home in household_columns)
        homes = tuple(home for home in named if home)
    if id_name is None:
        # Without ids rows can't be told apart; the missing column has been reported.
        errors.raise_if_any()
        return RespondentsFile(features, (), "", False, email, name, homes, ())
    rows = _respondents(
        errors=errors,
        header=header,
        records=records,
        categories=categories,
        columns=(id_name, email, name, homes),
    )
    errors.raise_if_any()
    if not rows:
        errors.add(1, "", "", RowErrorCode.EMPTY_FILE, "There is a header but nobody below it.")
        errors.raise_if_any()
    used = {id_name, email, name, *homes, *features}
    return RespondentsFile(
        columns=features,
        rows=rows,
        id_column=id_name,
        id_is_first_column=is_first,
        email_column=email,
        name_column=name,
        household_columns=homes,
        ignored_columns=tuple(column for column in header if column not in used),
    )


def as_quotas(categories: CategoriesFile) -> tuple[Quota, ...]:
    """The file's bounds, and how far they may give, as quotas on single values."""
    return tuple(
        Quota(
            ((feature, value.value),),
            value.minimum,
            value.maximum,
            value.flexible_minimum,
            value.flexible_maximum,
        )
        for feature, values in categories.features
        for value in values
    )


def as_profiles(respondents: RespondentsFile) -> tuple[CandidateProfile, ...]:
    """The file's people as the selection sees them."""
    return tuple(
        CandidateProfile(
            row.id, tuple(zip(respondents.columns, row.values, strict=True)), row.household
        )
        for row in respondents.rows
    )


def _decode(content: bytes, errors: _Errors) -> str:
    advice = "save the file as CSV UTF-8 (in a spreadsheet: Save as, CSV UTF-8) and try again."
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        errors.add(
            1,
            "",
            content[:2].hex(" "),
            RowErrorCode.WRONG_ENCODING,
            f"The file is UTF-16 (byte offset 0 holds its mark), not UTF-8; {advice}",
        )
        errors.raise_if_any()
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    try:
        text = content[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = start + error.start
        row = content.count(b"\n", 0, offset) + 1
        errors.add(
            row,
            "",
            content[offset : offset + 1].hex(),
            RowErrorCode.WRONG_ENCODING,
            f"Byte 0x{content[offset]:02x} at byte offset {offset} (line {row})"
            f" is not UTF-8; {advice}",
        )
        errors.raise_if_any()
        raise
    if "\0" in text:
        offset = content.index(b"\0")
        row = content.count(b"\n", 0, offset) + 1
        errors.add(
            row,
            "",
            "00",
            RowErrorCode.WRONG_ENCODING,
            f"A zero byte stands at byte offset {offset} (line {row}); {advice}",
        )
        errors.raise_if_any()
    return text


def _table(content: bytes, errors: _Errors) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    text = _decode(content, errors)
    first_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=lambda mark: (first_line.count(mark), mark == ","))
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        errors.add(
            1, "", first_line, RowErrorCode.BROKEN_CSV, f"The header can't be read: {error}."
        )
        errors.raise_if_any()
        raise
    while header and not header[-1]:
        header.pop()
    if not header:
        errors.add(1, "", "", RowErrorCode.EMPTY_FILE, "The file has no header in its first row.")
        errors.raise_if_any()
    folded = [name.casefold() for name in header]
    for place, name in enumerate(header):
        if name and folded[place] in folded[:place]:
            errors.add(
                1,
                name,
                name,
                RowErrorCode.REPEATED_COLUMN,
                f"The column {name!r} stands more than once (case aside); rename or drop one.",
            )
    errors.raise_if_any()
    return header, _records(reader, len(header), errors)


def _records(
    reader: Iterator[list[str]], width: int, errors: _Errors
) -> Iterator[tuple[int, list[str]]]:
    row = 1
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            errors.add(
                row,
                "",
                "",
                RowErrorCode.BROKEN_CSV,
                f"The row can't be read ({error}); look for a quotation mark that is not closed."
                " Rows below it were not checked.",
            )
            return
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            errors.add(
                row,
                "",
                "",
                RowErrorCode.RAGGED_ROW,
                f"The row has {len(cells)} cells and the header {width};"
                " put values that hold a separator in quotation marks.",
            )
            continue
        yield row, cells


def _named(errors: _Errors, row: int, column: str, value: str, longest: int) -> bool:
    if not value:
        errors.add(row, column, "", RowErrorCode.BLANK_VALUE, f"The {column} is blank.")
        return False
    return _fits(errors, row, column, value, longest)


def _fits(errors: _Errors, row: int, column: str, value: str, longest: int) -> bool:
    if len(value) > longest:
        errors.add(
            row,
            column,
            value,
            RowErrorCode.TOO_LONG,
            f"The {column} has {len(value)} characters; at most {longest} are kept. Shorten it.",
        )
        return False
    return True


def _bounds(
    errors: _Errors, row: int, cells: list[str], at: dict[str, int]
) -> tuple[int, int, int | None, int | None] | None:
    minimum = _bound(errors, row, "min", cells[at["min"]])
    maximum = _bound(errors, row, "max", cells[at["max"]])
    flexible: list[int | None] = []
    good = minimum is not None and maximum is not None
    for column in ("min_flex", "max_flex"):
        cell = cells[at[column]] if column in at else ""
        number = _bound(errors, row, column, cell) if cell else None
        good &= number is not None or not cell
        flexible.append(number)
    if not good or minimum is None or maximum is None:
        return None
    low, high = flexible
    steps = [
        ("min_flex", low, "min", minimum),
        ("min", minimum, "max", maximum),
        ("max", maximum, "max_flex", high),
    ]
    for column, lower, other, upper in steps:
        if lower is not None and upper is not None and lower > upper:
            errors.add(
                row,
                column,
                str(lower),
                RowErrorCode.CROSSED_BOUNDS,
                f"{column} is {lower}, above {other} {upper}; swap or correct them.",
            )
            good = False
    return (minimum, maximum, low, high) if good else None


def _bound(errors: _Errors, row: int, column: str, cell: str) -> int | None:
    if not _WHOLE_NUMBER.fullmatch(cell):
        errors.add(
            row,
            column,
            cell,
            RowErrorCode.NOT_A_WHOLE_NUMBER,
            f"{column} is {cell!r}; write a whole number such as 3.",
        )
        return None
    if int(cell) < 0:
        errors.add(
            row,
            column,
            cell,
            RowErrorCode.NEGATIVE_NUMBER,
            f"{column} is {cell}; nobody can seat fewer than 0 people.",
        )
        return None
    return int(cell)


def _id_column(
    errors: _Errors, header: Sequence[str], features: Sequence[str], named: str | None
) -> tuple[str | None, bool]:
    known = _column(errors, header, features, named, ID_COLUMNS)
    if known is not None or named is not None:
        return known, False
    if header[0] and header[0] not in features:
        return header[0], True
    errors.add(
        1,
        "id",
        ", ".join(header),
        RowErrorCode.MISSING_COLUMN,
        "There is no id column: name it, call it 'id', or put it first"
        f" (the first column, {header[0]!r}, is a feature or has no name).",
    )
    return None, False


def _column(
    errors: _Errors,
    header: Sequence[str],
    features: Sequence[str],
    named: str | None,
    usual: Sequence[str],
) -> str | None:
    if named is not None:
        if named.strip() in header:
            return named.strip()
        errors.add(
            1,
            named,
            ", ".join(header),
            RowErrorCode.MISSING_COLUMN,
            f"The column {named!r} is missing; the file has {', '.join(header)}.",
        )
        return None
    free = {name.casefold(): name for name in header if name not in features}
    return next((free[name] for name in usual if name in free), None)


def _respondents(
    *,
    errors: _Errors,
    header: list[str],
    records: Iterator[tuple[int, list[str]]],
    categories: CategoriesFile,
    columns: tuple[str, str | None, str | None, tuple[str, ...]],
) -> tuple[Respondent, ...]:
    id_name, email_name, name_name, home_names = columns
    place = {name: number for number, name in enumerate(header)}
    id_at = place[id_name]
    email_at = place[email_name] if email_name else None
    name_at = place[name_name] if name_name else None
    homes_at = [place[home] for home in home_names]
    features = [
        (feature, place[feature], frozenset(value.value for value in values))
        for feature, values in categories.features
        if feature in place
    ]
    seen: dict[str, int] = {}
    rows: list[Respondent] = []
    for row, cells in records:
        person = cells[id_at]
        if not person:
            errors.add(
                row, id_name, "", RowErrorCode.BLANK_ID, "The id is blank; give one to each."
            )
        elif person in seen:
            errors.add(
                row,
                id_name,
                person,
                RowErrorCode.REPEATED_ID,
                f"The id {person!r} already stands in row {seen[person]}.",
            )
        else:
            seen[person] = row
            _fits(errors, row, id_name, person, LONGEST_ID)
        values = []
        for feature, at, known in features:
            value = cells[at]
            values.append(value)
            if value not in known:
                _unknown(errors, row, feature, value, known)
        email = cells[email_at] if email_at is not None else ""
        name = cells[name_at] if name_at is not None else ""
        home = _household([cells[at] for at in homes_at]) if homes_at else ""
        if email and not _EMAIL.fullmatch(email):
            errors.add(
                row,
                email_name or "",
                email,
                RowErrorCode.BAD_EMAIL,
                f"{email!r} is not an e-mail address; correct it or leave it blank.",
            )
        for column, text in ((email_name, email), (name_name, name), ("household", home)):
            if len(text) > LONGEST_CONTACT:
                _fits(errors, row, column or "", text, LONGEST_CONTACT)
        rows.append(Respondent(row, person, tuple(values), email, name, home))
    return tuple(rows)


def _household(cells: list[str]) -> str:
    if not any(cells):
        return ""
    return " | ".join(" ".join(cell.casefold().split()) for cell in cells)


def _unknown(errors: _Errors, row: int, feature: str, value: str, known: frozenset[str]) -> None:
    if not value:
        errors.add(
            row,
            feature,
            "",
            RowErrorCode.BLANK_VALUE,
            f"{feature} is blank; it may be {_listed(known)}.",
        )
        return
    near = sorted(name for name in known if name.casefold() == value.casefold())
    if near:
        errors.add(
            row,
            feature,
            value,
            RowErrorCode.CASE_MISMATCH,
            f"{feature} is {value!r}; the categories spell it {near[0]!r}.",
        )
        return
    errors.add(
        row,
        feature,
        value,
        RowErrorCode.UNKNOWN_VALUE,
        f"{feature} is {value!r}; it may be {_listed(known)}.",
    )


def _listed(known: frozenset[str]) -> str:
    names = sorted(known)
    more = f" (and {len(names) - 12} more)" if len(names) > 12 else ""
    return ", ".join(repr(name) for name in names[:12]) + more
