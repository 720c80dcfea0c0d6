"""What a results page shows: the last snapshot, and whether it still tells the truth."""

import hashlib
from dataclasses import dataclass
from typing import Any

from annotations.models import ResultsSnapshot, Study
from annotations.ports import (
    Figure,
    MarkedText,
    SectionContent,
    ShownPassage,
    Table,
    results_sections,
)
from juries.models import Run


@dataclass(frozen=True)
class ResultsPage:
    """A results page as it is to be shown.

    Attributes:
        snapshot: the newest snapshot, if there is one.
        pending: a Run that is computing a newer one, if there is one.
        failed: the newest Run, if it failed and nothing was computed since.
        is_outdated: jurors have said more, or seats changed, since the snapshot.
    """

    snapshot: ResultsSnapshot | None
    pending: Run | None
    failed: Run | None
    is_outdated: bool


def results_page(*, study: Study) -> ResultsPage:
    """The newest results of a study."""
    snapshot = study.results_snapshots.select_related("run").first()
    runs = Run.objects.filter(kind="annotations.results", parameters__study=study.pk)
    pending = runs.filter(state__in=(Run.State.QUEUED, Run.State.RUNNING)).first()
    newest = runs.order_by("-created_at", "-id").first()
    failed = newest if newest is not None and newest.state == Run.State.FAILED else None
    return ResultsPage(
        snapshot=snapshot,
        pending=pending,
        failed=failed,
        is_outdated=snapshot is not None and snapshot.input_digest != results_digest(study=study),
    )


def results_digest(*, study: Study) -> str:
    """SHA-256 over the fingerprints of all sections: changes with what any of them reads."""
    parts = [str(study.public_id)]
    parts += [
        f"{key}:{section.fingerprint(study=study)}" for key, section in results_sections().items()
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def section_from_json(content: dict[str, object]) -> SectionContent:
    """A section as it was stored (see `annotations.services.results`)."""
    figures = [_figure(item) for item in _dicts(content["figures"])]
    tables = content["tables"]
    assert isinstance(tables, list)
    return SectionContent(
        summary=tuple(_strings(content["summary"])),
        figures=tuple(figures),
        tables=tuple((str(title), _table(table)) for title, table in tables),
        notices=tuple(_strings(content["notices"])),
        empty_reason=str(content["empty_reason"]),
        # Snapshots from before there were such texts have none.
        texts=tuple(_text(item) for item in _dicts(content.get("texts", []))),
    )


def _text(stored: dict[str, Any]) -> MarkedText:
    return MarkedText(
        title=str(stored["title"]),
        jurors=int(stored["jurors"]),
        nothing=int(stored["nothing"]),
        passages=tuple(
            ShownPassage(
                words=str(one["words"]),
                spoke_for=int(one["spoke_for"]),
                spoke_against=int(one["spoke_against"]),
            )
            for one in stored["passages"]
        ),
    )


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def _dicts(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return list(value)


def _figure(stored: dict[str, object]) -> Figure:
    table = stored["table"]
    assert isinstance(table, dict)
    return Figure(
        key=str(stored["key"]),
        title=str(stored["title"]),
        svg=str(stored["svg"]),
        caption=str(stored["caption"]),
        table=_table(table),
        run_id=str(stored["run_id"]),
        finding=str(stored["finding"]),
        n=str(stored["n"]),
        interval=str(stored["interval"]),
        is_predicted=bool(stored["is_predicted"]),
    )


def _table(stored: dict[str, object]) -> Table:
    rows = stored["rows"]
    numeric = stored["numeric"]
    assert isinstance(rows, list)
    assert isinstance(numeric, list)
    return Table(
        columns=tuple(_strings(stored["columns"])),
        rows=tuple(tuple(row) for row in rows),
        numeric=frozenset(int(index) for index in numeric),
        caption=str(stored["caption"]),
    )
