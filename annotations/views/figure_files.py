"""Figures and tables as pages show them, and as files."""

import csv
import json
from collections.abc import Sequence

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe

from annotations.models import Study
from annotations.ports import Figure, Table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
Downloads = Sequence[dict[str, str]]


def shown_figure(
    *, study: Study, figure: Figure, identifier: str, run_id: str, downloads: Downloads
) -> dict[str, object]:
    """What `components/figure.html` takes; `run_id` is empty for what no Run computed."""
    return {
        "id": identifier,
        "title": figure.title,
        "finding": figure.finding,
        # Made by annotations.figures.svg, which escapes every text and writes no script.
        "svg": mark_safe(figure.svg),  # noqa: S308
        "bare": True,
        "n": figure.n,
        "interval": figure.interval,
        "note": figure.caption,
        "predicted": figure.is_predicted,
        "simulated": study.is_simulated,
        "run_url": reverse("run", args=[run_id]) if run_id else "",
        "run_label": "this run",
        "table": shown_table(figure.table),
        "downloads": downloads,
    }


def shown_table(table: Table) -> dict[str, object]:
    """What `components/table.html` takes."""
    return {
        "columns": table.columns,
        "rows": [[_cell(value) for value in row] for row in table.rows],
        "text_columns": [i for i in range(len(table.columns)) if i not in table.numeric],
    }


def _cell(value: str | int | float | None) -> str:
    """Numbers with the digits that a reader can use: three decimals, none for whole numbers."""
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)


def figure_file(
    *, study: Study, run_id: str, name: str, form: str, figure: Figure | None, table: Table | None
) -> HttpResponse:
    """A figure as SVG, or a table as CSV or JSON.

    Raises:
        Http404: there is nothing to write in this form.
    """
    if form == "svg" and figure is not None and figure.svg:
        return _attachment(figure.svg.encode(), "image/svg+xml", f"{name}.svg")
    if form == "csv" and table is not None:
        return _csv(table, f"{name}.csv")
    if form == "json" and table is not None:
        body = {
            "study": str(study.public_id),
            "run": run_id,
            "title": figure.title if figure else table.caption,
            "columns": table.columns,
            "rows": table.rows,
        }
        return _attachment(
            json.dumps(body, indent=1, ensure_ascii=False).encode(),
            "application/json",
            f"{name}.json",
        )
    raise Http404("There is no such figure in these results.")


def _csv(table: Table, file_name: str) -> HttpResponse:
    response = _attachment(b"", "text/csv; charset=utf-8", file_name)
    writer = csv.writer(response)
    writer.writerow([_no_formula(column) for column in table.columns])
    for row in table.rows:
        writer.writerow(["" if cell is None else _no_formula(cell) for cell in row])
    return response


def _no_formula(cell: str | int | float) -> str | int | float:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def _attachment(body: bytes, content_type: str, file_name: str) -> HttpResponse:
    return HttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )
