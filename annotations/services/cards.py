"""The dataset card: README.md with the YAML header that the Hugging Face hub reads."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from annotations.domain.measured import Measured
from annotations.domain.suppression import RULE
from annotations.models import Participation, Study
from annotations.ports import Column, ExportOptions
from annotations.selectors.exports import ExportedTraits
from annotations.services.table_files import FORMATS, WrittenTable
from juries.models import Quota

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


@dataclass(frozen=True)
class AgreementLine:
    """Agreement on one criterion, or why there is none.

    Attributes:
        criterion: key.
        figures: level of measurement -> Krippendorff's alpha.
        reason: why it is not given; empty where it is.
    """

    criterion: str
    figures: Mapping[str, Measured]
    reason: str = ""


@dataclass(frozen=True)
class CardFacts:
    """What the card says besides the study itself."""

    tables: Sequence[tuple[WrittenTable, str, Sequence[Column]]]
    traits: ExportedTraits
    quotas: Sequence[Quota]
    agreement: Sequence[AgreementLine]
    first_said: datetime | None
    last_said: datetime | None
    simulated_jurors: int
    predicted_tables: Sequence[str]
    came_by: Mapping[str, int]


def write_card(*, study: Study, options: ExportOptions, facts: CardFacts) -> str:
    """The card's text; it depends on the data and the options alone."""
    sections = (
        _front(study, facts),
        _collection(study, facts),
        _jury(study, options, facts),
        _agreement(facts),
        _tables(facts),
        _limits(options, facts),
    )
    body = "\n".join("\n".join(section) + "\n" for section in sections if section)
    return f"{_header(study, options, facts)}\n{body}"


def is_simulated(study: Study, facts: CardFacts) -> bool:
    """Some of the jurors are invented."""
    return bool(
        study.is_simulated
        or facts.simulated_jurors
        or (study.jury is not None and study.jury.pool.is_simulated)
    )


def _scalar(value: str) -> str:
    """A YAML scalar; JSON strings are YAML."""
    return json.dumps(value, ensure_ascii=False)


def _header(study: Study, options: ExportOptions, facts: CardFacts) -> str:
    total = max((table.rows for table, _, _ in facts.tables), default=0)
    size = next((name for limit, name in _SIZES if total < limit), "10M<n<100M")
    tags = ["pluralism", "human-feedback", "venire", *(["simulated"] * is_simulated(study, facts))]
    lines = [
        "---",
        f"pretty_name: {_scalar(study.title)}",
        f"license: {_scalar(study.licence or 'unknown')}",
    ]
    if options.language:
        lines += ["language:", f"- {_scalar(options.language)}"]
    lines += ["size_categories:", f"- {_scalar(size)}", "tags:", *(f"- {tag}" for tag in tags)]
    configs = [
        (table.name, file)
        for table, _, _ in sorted(facts.tables, key=lambda entry: entry[0].name != "ratings")
        if table.rows and (file := _preferred(table.files))
    ]
    if configs:
        lines.append("configs:")
    for number, (name, file) in enumerate(configs):
        lines += [f"- config_name: {name}", f"  data_files: {file}"]
        if number == 0:
            lines.append("  default: true")
    return "\n".join([*lines, "---", ""])


def _preferred(files: Sequence[str]) -> str:
    by_kind = {file.rsplit(".", 1)[1]: file for file in files}
    return next((by_kind[kind] for kind in FORMATS if kind in by_kind), "")


def _inline(text: str) -> str:
    """Text as it can stand in a line or a table cell of the card."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


def _quoted(text: str) -> Iterable[str]:
    return (f"> {line}".rstrip() for line in text.splitlines())


def _front(study: Study, facts: CardFacts) -> list[str]:
    lines = [f"# {_inline(study.title)}", ""]
    if is_simulated(study, facts):
        lines += [
            (
                "> **SIMULATED.** Jurors in this data set are invented, and so is what they said "
                f"({facts.simulated_jurors} of {len(facts.traits.juror_ids)} jurors are marked so; "
                "`is_simulated` says which). It must not be used as evidence of what people think."
            ),
            "",
        ]
    if study.description:
        lines += [*_quoted(study.description), ""]
    return lines


def _collection(study: Study, facts: CardFacts) -> list[str]:
    if facts.first_said is None or facts.last_said is None:
        dates = "Nothing has been said yet."
    else:
        dates = f"{facts.first_said:%Y-%m-%d} to {facts.last_said:%Y-%m-%d} (UTC)"
    lines = [
        "## How it was collected",
        "",
        f"- Collection dates: {dates}",
        f"- State of the study: {study.get_state_display()}",
        f"- Licence: {study.licence or 'not declared; ask the researchers before you use it'}",
        f"- Assignment: {study.get_assignment_mode_display()}",
        f"- Source: {settings.SITE_URL}, study {study.public_id}",
        "",
        f"### Consent, version {_inline(study.consent_version)}",
        "",
        *(_quoted(study.consent_text) if study.consent_text else ["No consent text was set."]),
        "",
    ]
    if study.instructions:
        lines += ["### Instructions", "", *_quoted(study.instructions), ""]
    return lines


def _jury(study: Study, options: ExportOptions, facts: CardFacts) -> list[str]:
    lines = ["## The jury", ""]
    if study.jury is None:
        return [*lines, "The study was put before no jury."]
    jury = study.jury
    lines += [
        (
            f"{_inline(jury.name)}: {jury.size} seats, {jury.get_kind_display()}; "
            f"{len(facts.traits.juror_ids)} jurors in this data set."
        ),
        "",
        *_how_they_came(facts.came_by),
    ]
    if facts.traits.features:
        lines += ["### Strata", "", "| trait | value | jurors |", "|---|---|---|"]
        for index, name in enumerate(facts.traits.features):
            counts = Counter(row[index] for row in facts.traits.suppression.rows)
            for value in sorted(counts, key=lambda value: (value is None, value or "")):
                shown = "*not shown or not known*" if value is None else _inline(value)
                lines.append(f"| {_inline(name)} | {shown} | {counts[value]} |")
        lines.append("")
    if facts.quotas:
        lines += ["### Quotas", "", "| who | minimum | maximum |", "|---|---|---|"]
        for quota in facts.quotas:
            who = ", ".join(str(value) for value in quota.feature_values.all())
            lines.append(f"| {_inline(who)} | {quota.minimum} | {quota.maximum} |")
        lines.append("")
    if options.suppress_below > 1:
        suppression = facts.traits.suppression
        lines += [
            (
                f"Small cells: {RULE.format(below=options.suppress_below)} Blank for this reason: "
                f"{suppression.cells_blanked} traits of {suppression.people_changed} jurors."
            ),
            "",
        ]
    return lines


def _how_they_came(counts: Mapping[str, int]) -> list[str]:
    """That people chose to come, and by which ways; nothing of a jury by seats alone."""
    ways = {key: count for key, count in counts.items() if key}
    if not ways:
        return []
    listed = ", ".join(
        f"{count} {Participation.CameBy(key).label}" for key, count in sorted(counts.items())
    )
    return [
        (
            f"**Self-selected: nobody was drawn by lot.** People came by themselves: {listed}. "
            "What they said describes those who came, and no population. The column `came_by` of "
            "`participations` says it of each."
        ),
        "",
    ]


def _agreement(facts: CardFacts) -> list[str]:
    if not facts.agreement:
        return []
    lines = [
        "## Agreement",
        "",
        (
            "Krippendorff's α over the current ratings, with its 95 % bootstrap interval. "
            "Opinions have no right answer: a low α shows a divided jury, not bad work."
        ),
        "",
        "| criterion | nominal | ordinal | interval |",
        "|---|---|---|---|",
    ]
    for line in facts.agreement:
        if line.reason:
            lines.append(f"| {line.criterion} | {_inline(line.reason)} | | |")
        else:
            cells = [_measured(line.figures[level]) for level in ("nominal", "ordinal", "interval")]
            lines.append(f"| {line.criterion} | {' | '.join(cells)} |")
    return [*lines, ""]


def _measured(found: Measured) -> str:
    """A number with its interval, or that it has none."""
    if found.low is None or found.high is None:
        return f"{found.value:.2f} (no interval)"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _tables(facts: CardFacts) -> list[str]:
    lines = [
        "## Tables",
        "",
        (
            'Load one with `datasets.load_dataset(FOLDER, "ratings")` or '
            '`pandas.read_parquet("data/ratings.parquet")`. `manifest.json` has the SHA-256 of '
            "each file."
        ),
        "",
        (
            "In CSV files, a cell that a spreadsheet would take for a formula has an apostrophe "
            "before it; an empty text stands in quotes, a missing one does not."
        ),
        "",
    ]
    for table, meaning, columns in facts.tables:
        predicted = " **Predicted by a model, said by nobody.**" * (
            table.name in facts.predicted_tables
        )
        lines += [f"### {table.name}", "", f"{meaning}{predicted} Rows: {table.rows}.", ""]
        if table.rows:
            lines += ["| column | type | meaning |", "|---|---|---|"]
            lines += [
                f"| {_inline(column.name)} | {column.type} | {_inline(column.meaning)} |"
                for column in columns
            ]
            lines.append("")
    return lines


def _limits(options: ExportOptions, facts: CardFacts) -> list[str]:
    lines = [
        "## Known limits",
        "",
        (
            "- Jurors who withdrew and asked to be erased are not in it; copies made before that "
            "moment should be replaced."
        ),
        (
            "- Ids of jurors are random and the same in every export of this study; they lead to "
            "nobody outside the software that ran it."
        ),
        "- Texts are as jurors wrote them and may hold what identifies somebody.",
        (
            "- Not in it: invitations, seats of those who left before saying anything, roles, "
            "what browsers sent word for word, the audit log, the completion code."
        ),
    ]
    if not options.include_history:
        lines.append("- Only what stands now: statements that a juror has changed are left out.")
    if not options.include_quiz:
        lines.append(
            "- Not in it: the quiz on the instructions and the tries at it. Who asked for this "
            "data set may not see which answers are right."
        )
    if options.suppress_below <= 1:
        lines.append("- Traits are shown in full; a rare combination may point to a person.")
    if facts.predicted_tables:
        lines.append(
            f"- Predicted, not said: {', '.join(facts.predicted_tables)}. See their columns for "
            "the method and its held-out error."
        )
    return lines
