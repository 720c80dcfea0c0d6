"""A table of the data set, declared column by column; both ways share the declaration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import QuerySet

from annotations.models import Study
from annotations.ports import Column, ColumnType, ExportOptions, ImportedIds
from annotations.selectors.exports import dashed, uuid_text
from annotations.services.bundles import BundleRefused

BATCH_ROWS = 10_000
INSERT_ROWS = 2_000

Lookup = Callable[[Study, str], Mapping[int, Any]]
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Cell:
    """A column, and where its values stand.

    Attributes:
        path: field of the row, as `values_list` takes it.
        lookup: gives the names that stand in the data set for the primary keys in the field.
            A row whose key has no name (a juror who has withdrawn) is left out.
        convert: applied to values that are not None.
        convert_empty: applied to all values, None too.
        is_uuid: the field is one; it is read as text.
    """

    column: Column
    path: str
    lookup: Lookup | None = None
    convert: Callable[[Any], Any] | None = None
    convert_empty: Callable[[Any], Any] | None = None
    is_uuid: bool = False


def cell(
    name: str,
    kind: ColumnType,
    meaning: str,
    *,
    path: str = "",
    lookup: Lookup | None = None,
    convert: Callable[[Any], Any] | None = None,
    convert_empty: Callable[[Any], Any] | None = None,
    is_uuid: bool = False,
    may_lack: bool = False,
) -> Cell:
    """A :class:`Cell`; the field has the column's name where no `path` is given."""
    return Cell(
        Column(name, kind, meaning, may_lack),
        path or name,
        lookup,
        dashed if is_uuid else convert,
        convert_empty,
        is_uuid,
    )


class BundleRow:
    """A row of a bundle that is read back: typed access, errors that name table and row."""

    def __init__(
        self, *, table: str, number: int, values: Mapping[str, Any], ids: ImportedIds
    ) -> None:
        self._table = table
        self._number = number
        self._values = values
        self._ids = ids

    def __getitem__(self, name: str) -> Any:
        """The cell's value, which may be None."""
        return self._values[name]

    def problem(self, sentence: str) -> BundleRefused:
        """An error about this row, to be raised."""
        return BundleRefused(f"{self._table}, row {self._number}: {sentence}")

    def given(self, name: str) -> Any:
        """The cell's value; an empty cell is an error."""
        value = self._values[name]
        if value is None:
            raise self.problem(f"{name} is empty.")
        return value

    def one_of(self, name: str, choices: type[models.TextChoices]) -> str:
        """The cell's value, one of `choices`."""
        value = self.given(name)
        if value not in choices.values:
            raise self.problem(f"{name} is {value!r}, but must be one of {choices.values}.")
        return str(value)

    def count(self, name: str) -> int:
        """The cell's value, a whole number from 0 on."""
        value = self.given(name)
        if not 0 <= value < 2**31:
            raise self.problem(f"{name} is {value}, but must be from 0 to 2147483647.")
        return int(value)

    def maybe_count(self, name: str) -> int | None:
        """The same, None for an empty cell."""
        return None if self[name] is None else self.count(name)

    def public_id(self, name: str) -> UUID:
        """The public id of the row that is made from this one."""
        try:
            return self._ids.public_id(self.given(name))
        except ValueError:
            raise self.problem(f"{name} is {self[name]!r}, which is no UUID.") from None

    def uuid(self, name: str) -> UUID:
        """The cell's value as a UUID that is not made anew in a copy."""
        try:
            return UUID(self.given(name))
        except ValueError:
            raise self.problem(f"{name} is {self[name]!r}, which is no UUID.") from None

    def ref(self, name: str, table: str) -> int:
        """Primary key of the row of `table` that the cell names."""
        return self.ref_pair((name,), table)

    def ref_pair(self, names: Sequence[str], table: str) -> int:
        """Primary key of the row of `table` that several cells name together."""
        key = self._ids.rows.get(table, {}).get(joined(*map(self.given, names)))
        if key is None:
            shown = " and ".join(f"{name} {self[name]!r}" for name in names)
            raise self.problem(f"{shown} is not in {table}.")
        return key

    def maybe_ref_pair(self, names: Sequence[str], table: str) -> int | None:
        """The same, None where the last cell is empty."""
        return None if self[names[-1]] is None else self.ref_pair(names, table)

    def known(self, written: str, table: str) -> int | None:
        """Primary key of the row of `table` that the bundle calls `written`; None: there is none.

        For ids inside a cell that holds more than one.
        """
        return self._ids.rows.get(table, {}).get(written)

    def maybe_ref(self, name: str, table: str) -> int | None:
        """The same, None for an empty cell."""
        return None if self[name] is None else self.ref(name, table)


def joined(*names: str) -> str:
    """Several names as one key among imported ids."""
    return "\x1f".join(names)


class TablePart(Generic[Row]):
    """Base of the export parts: a query, its cells, and the way to make a row of one.

    Subclasses give `name`, `meaning`, `model`, `cells`, `rows` and `build`.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    predicted: ClassVar[bool] = False
    model: ClassVar[type[models.Model]]
    cells: ClassVar[tuple[Cell, ...]]
    id_columns: ClassVar[tuple[str, ...]] = ()  # later parts refer to rows by these columns
    dated: ClassVar[Mapping[str, str]] = {}  # fields that saving would set to now: their columns
    batch_rows: ClassVar[int] = BATCH_ROWS  # held at once; fewer where single rows are large

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Row]:
        """The rows, in a stable order that reading back preserves."""
        raise NotImplementedError

    def sources(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[QuerySet[Row]]:
        """The rows as queries to run one after the other."""
        yield self.rows(study=study, options=options, using=using)

    def build(self, *, row: BundleRow, study: Study) -> Row:
        """An unsaved row of this floor from one of the bundle."""
        raise NotImplementedError

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The table's columns, in order."""
        return tuple(cell.column for cell in self.cells)

    def batches(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Columns of values, in batches."""
        names = [None if cell.lookup is None else cell.lookup(study, using) for cell in self.cells]
        paths = list(dict.fromkeys(cell.path for cell in self.cells))
        texts = {cell.path for cell in self.cells if cell.is_uuid}
        fields = [uuid_text(path) if path in texts else path for path in paths]
        for query in self.sources(study=study, options=options, using=using):
            found = query.values_list(*fields).iterator(chunk_size=self.batch_rows)
            while batch := list(islice(found, self.batch_rows)):
                columns = self._converted(batch, names, paths)
                if columns is not None:
                    yield columns

    def _converted(
        self,
        batch: list[tuple[Any, ...]],
        names: Sequence[Mapping[int, Any] | None],
        paths: Sequence[str],
    ) -> Mapping[str, Sequence[Any]] | None:
        places = [paths.index(cell.path) for cell in self.cells]
        for place, known in zip(places, names, strict=True):
            if known is not None:
                batch = [row for row in batch if row[place] is None or row[place] in known]
        if not batch:
            return None
        columns: dict[str, Sequence[Any]] = {}
        for one, place, known in zip(self.cells, places, names, strict=True):
            values = list(map(itemgetter(place), batch))
            convert = one.convert if known is None else known.__getitem__
            if convert is not None:
                values = [None if value is None else convert(value) for value in values]
            if one.convert_empty is not None:
                values = list(map(one.convert_empty, values))
            columns[one.column.name] = values
        return columns

    def builder(self, *, study: Study) -> Callable[[BundleRow], Row]:
        """The function that makes a row of this floor; reads once what all rows need."""
        return lambda row: self.build(row=row, study=study)

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make rows from a bundle's, in their order."""
        total = 0
        build = self.builder(study=study)
        while chunk := list(islice(rows, min(INSERT_ROWS, self.batch_rows))):
            read = [
                BundleRow(table=self.name, number=total + number, values=values, ids=ids)
                for number, values in enumerate(chunk, start=1)
            ]
            made = [build(row) for row in read]
            for row, instance in zip(read, made, strict=True):
                check_lengths(row, instance)
            made = self.model._default_manager.bulk_create(made)  # type: ignore[assignment] # Row is this model
            if self.id_columns:
                known = ids.rows.setdefault(self.name, {})
                for row, instance in zip(read, made, strict=True):
                    key = joined(*(row.given(name) for name in self.id_columns))
                    if key in known:
                        raise row.problem(f"{' and '.join(self.id_columns)} stand twice.")
                    known[key] = instance.pk
            for field, column in self.dated.items():
                set_times(
                    model=self.model,
                    field=field,
                    times=[
                        (instance.pk, row.given(column))
                        for row, instance in zip(read, made, strict=True)
                    ],
                )
            total += len(chunk)
        return total


def check_lengths(row: BundleRow, instance: models.Model) -> None:
    """Refuse text that is longer than its field; SQLite itself would take it."""
    for field in _short_fields(type(instance)):
        value = getattr(instance, field.attname)
        if isinstance(value, str) and field.max_length and len(value) > field.max_length:
            raise row.problem(
                f"{field.name} has {len(value)} characters; {field.max_length} are allowed."
            )


def _short_fields(model: type[models.Model]) -> list[models.CharField[Any, Any]]:
    return [field for field in model._meta.fields if isinstance(field, models.CharField)]


def set_times(
    *, model: type[models.Model], field: str, times: Sequence[tuple[int, datetime]]
) -> None:
    """Give rows back the moment at which they were first made; saving has set it to now."""
    quote = connection.ops.quote_name
    column = next(one.column for one in model._meta.fields if one.name == field)
    statement = (
        f"UPDATE {quote(model._meta.db_table)} SET {quote(str(column))} = %s "  # noqa: S608 - names of our own tables
        f"WHERE {quote('id')} = %s"
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [(connection.ops.adapt_datetimefield_value(when), key) for key, when in times],
        )
