"""Where upper floors plug into the annotations app (DESIGN, section 1).

An upper floor lists a dotted path in settings; the object behind it follows one of the Protocols
below. Nothing here imports an upper floor.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, cast

from django.conf import settings
from django.http import QueryDict
from django.utils.module_loading import import_string

from annotations.models import Assignment, Study, Submission

# --- Steps of the juror's work ------------------------------------------------------------------


class StepProblem(Exception):
    """What a juror sent can't be taken. `errors` maps a field's name to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


class JurorStep(Protocol):
    """One kind of step that a juror takes on a query: rate, prefer, judge ...

    A step has one page for each of its items (a response, a pair, an answer), or one page with
    the empty item "". Items keep their order for one assignment; a key is made of letters, digits,
    "-", "_" and is at most 80 long.

    The template is included inside the page's form, below the query, with what `context` returns
    at the top level, and these names: `query`, `prompt`, `values` (what stands in each field, by
    its name), `errors` (what is wrong, by field). It shows an error beside its field under the id
    "error-NAME", gives the field (or its fieldset) the id "field-NAME", and each input that a key
    picks a `data-key` of one character. Field names are Python names (underscores, no dashes).
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    default_prompt: ClassVar[str]
    template_name: ClassVar[str]

    def items(self, *, assignment: Assignment) -> Sequence[str]:
        """Keys of this step's pages for the assignment; empty where it does not apply."""
        ...

    def done_items(self, *, assignment: Assignment) -> frozenset[str]:
        """Keys of the items that the juror has answered, as things stand."""
        ...

    def context(self, *, assignment: Assignment, item: str) -> Mapping[str, Any]:
        """What the step's template shows. "values": what the juror said before, by field name.

        After a StepProblem the page lays what she sent over those values.
        """
        ...

    def clean(self, *, assignment: Assignment, item: str, data: QueryDict) -> Mapping[str, Any]:
        """Check one submission; JSON-ready values of the juror's own assignment only.

        Raises:
            StepProblem: a value is missing, outside its scale, or of another assignment.
        """
        ...

    def store(self, *, submission: Submission, cleaned: Mapping[str, Any]) -> None:
        """Append what was said, superseding what it changes. Runs inside the transaction."""
        ...


@cache
def juror_steps() -> Mapping[str, JurorStep]:
    """The steps of settings.JUROR_STEPS by kind, in that order."""
    steps = [cast("JurorStep", import_string(path)()) for path in settings.JUROR_STEPS]
    return {step.kind: step for step in steps}


# --- Sections of a study's results page -----------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure. A cell is text, a number, or None with the reason in words.

    Attributes:
        columns: headings.
        rows: as many cells a row as there are columns; raw numbers, formatted by the template.
        numeric: columns (by index) that hold numbers.
        caption: what the table says.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    numeric: frozenset[int] = frozenset()
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A plot with all that a reader needs beside it (LOOK, the researcher's pages).

    Attributes:
        key: unique in its section; part of the download's name.
        title: the question that the figure answers.
        svg: a whole SVG element without scripts and without `style` attributes.
        caption: units and caveats; sentences.
        table: the same numbers.
        run_id: public id of the Run that the numbers come from; empty: the Run of the results.
        finding: the answer to the title's question in one sentence, with its interval.
        n: how many of what, such as "40 jurors, 480 ratings".
        interval: what the intervals are, such as "95 % bootstrap over jurors, 2,000 resamples".
        is_predicted: some of it is a model's guess.
    """

    key: str
    title: str
    svg: str
    caption: str
    table: Table
    run_id: str = ""
    finding: str = ""
    n: str = ""
    interval: str = ""
    is_predicted: bool = False


@dataclass(frozen=True)
class ShownPassage:
    """Words of a text, and how many jurors marked them as speaking for it and against it."""

    words: str
    spoke_for: int = 0
    spoke_against: int = 0


@dataclass(frozen=True)
class MarkedText:
    """A text with what jurors marked in it.

    Attributes:
        title: what it is.
        jurors: how many were asked and answered.
        nothing: how many of them said that nothing stood out.
        passages: the whole text in order, cut where the number of jurors changes.
    """

    title: str
    jurors: int
    nothing: int
    passages: tuple[ShownPassage, ...]


@dataclass(frozen=True)
class SectionContent:
    """What a section shows: sentences, figures, texts, tables, and what is wrong.

    One without anything says that the study does not ask for it; the section is then left out.
    """

    summary: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    notices: tuple[str, ...] = ()
    empty_reason: str = ""
    texts: tuple[MarkedText, ...] = ()


class ResultsSection(Protocol):
    """One section of the results page."""

    key: ClassVar[str]
    title: ClassVar[str]

    def fingerprint(self, *, study: Study) -> str:
        """Changes whenever `build` might give something else; cheap (counts, newest ids)."""
        ...

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        ...


@cache
def results_sections() -> Mapping[str, ResultsSection]:
    """The sections of settings.RESULTS_SECTIONS by key, in that order."""
    sections = [cast("ResultsSection", import_string(path)()) for path in settings.RESULTS_SECTIONS]
    return {section.key: section for section in sections}


# --- What a juror gets next -----------------------------------------------------------------------


@dataclass(frozen=True)
class ItemWorth:
    """What queries are worth to a juror's next minutes.

    Attributes:
        model: public id of the training that says so; None: nothing can be said.
        per_minute: for each candidate, in their order; empty without a model.
        reason: why nothing can be said, in words; empty otherwise.
    """

    model: uuid.UUID | None = None
    per_minute: tuple[float, ...] = ()
    reason: str = ""


class ItemOrdering(Protocol):
    """Says what queries are worth, from a model that stands ready. Takes milliseconds."""

    def why_not(self, *, study: Study) -> str:
        """Why nothing can be said of a study's queries now, in words; empty where it can."""
        ...

    def worth(self, *, study: Study, had: Sequence[int], candidates: Sequence[int]) -> ItemWorth:
        """What each candidate is worth to a juror who had some queries; both by primary key."""
        ...


@cache
def item_ordering() -> ItemOrdering:
    """The ordering that settings.ITEM_ORDERING names."""
    return cast("ItemOrdering", import_string(settings.ITEM_ORDERING)())


# --- Parts of an exported data set ----------------------------------------------------------------


ColumnType = Literal["string", "float", "integer", "boolean", "timestamp", "json"]


@dataclass(frozen=True)
class Column:
    """A column of an exported table: its name, its type and what it means.

    Values in a batch: str, float, int, bool, an aware datetime, or (json) what `json` can write;
    None for an empty cell of any type.

    Attributes:
        may_lack: bundles written before there was such a column are read as if it were empty.
    """

    name: str
    type: ColumnType
    meaning: str
    may_lack: bool = False


@dataclass(frozen=True)
class ExportOptions:
    """What the researcher asked of an export.

    Attributes:
        suppress_below: blank traits until every combination shown is shared by so many jurors;
            0: show all.
        include_predicted: also write what models guess, in tables of their own.
        include_history: also write ratings, judgements ... that the juror has since changed.
        language: ISO 639 code of the texts, for the dataset card; empty: not declared.
        include_quiz: also write the quiz, with its right answers, and the tries at it.
    """

    suppress_below: int = 0
    include_predicted: bool = True
    include_history: bool = True
    language: str = ""
    include_quiz: bool = True


@dataclass
class ImportedIds:
    """Ids of a bundle mapped to the rows made for them, by table.

    Attributes:
        keep_public_ids: rows get the public ids that they had; False makes a copy under new ones.
        now: the moment of the import, for what the bundle does not date.
        rows: table -> id in the bundle -> primary key here.
    """

    keep_public_ids: bool
    now: datetime
    rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def public_id(self, written: str) -> uuid.UUID:
        """The public id of a row that the bundle calls `written`.

        Raises:
            ValueError: it is no UUID.
        """
        kept = uuid.UUID(written)
        return kept if self.keep_public_ids else uuid.uuid4()


class ExportPart(Protocol):
    """One table of the bundle: written in batches of bounded size, and read back."""

    name: ClassVar[str]
    meaning: ClassVar[str]
    predicted: ClassVar[bool]  # all of it is a model's guess

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The table's columns, in order."""
        ...

    def batches(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Columns of values, at most some ten thousand rows at a time, in a stable order.

        Reads through the database alias `using`, which shows one moment to all the parts.
        """
        ...

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make rows from a bundle's; returns how many. Runs inside the import's transaction.

        The values of a row have the types that `Column` names. `annotations.parts.base`
        has a reader that checks them.
        """
        ...


@cache
def export_parts() -> tuple[ExportPart, ...]:
    """The parts of settings.EXPORT_PARTS (each a dotted path to a tuple of them), in order."""
    groups = [import_string(path) for path in settings.EXPORT_PARTS]
    return tuple(cast("ExportPart", part) for group in groups for part in group)
