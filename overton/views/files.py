"""Figures of this floor on a page, and as files: SVG, PNG, CSV, JSON."""

from django.http import HttpResponse
from django.urls import reverse

from annotations.models import Study
from annotations.ports import Table
from annotations.views.figure_files import figure_file, shown_figure, shown_table
from overton.figures.drawn import Drawn

FORMS = ("svg", "png", "csv", "json")
TABLE_FORMS = ("csv", "json")
Address = tuple[str, tuple[object, ...]]


def shown_drawn(
    *, study: Study, drawn: Drawn, address: Address, query: str = "", run_id: str = ""
) -> dict[str, object]:
    """What `components/figure.html` takes.

    Args:
        study: whose figure it is.
        drawn: the figure.
        address: name and arguments of the download's address, without the figure's key and form.
        query: what the download's address carries besides.
        run_id: public id of the Run that the numbers come from; empty: none.
    """
    return shown_figure(
        study=study,
        figure=drawn.figure,
        identifier=drawn.figure.key,
        run_id=run_id,
        downloads=downloads(address=address, key=drawn.figure.key, query=query, forms=FORMS),
    )


def shown_with_files(
    *, table: Table, key: str, address: Address, query: str = ""
) -> dict[str, object]:
    """A table with its caption and the links to its files."""
    return {
        "key": key,
        "table": shown_table(table),
        "caption": table.caption,
        "downloads": downloads(address=address, key=key, query=query, forms=TABLE_FORMS),
    }


def downloads(
    *, address: Address, key: str, query: str, forms: tuple[str, ...]
) -> list[dict[str, str]]:
    """Links to the forms of a figure or table."""
    name, arguments = address
    return [
        {
            "url": reverse(name, args=[*arguments, key, form]) + (f"?{query}" if query else ""),
            "label": form.upper(),
        }
        for form in forms
    ]


def drawn_file(
    *, study: Study, drawn: Drawn, name: str, form: str, run_id: str = ""
) -> HttpResponse:
    """A figure as a file.

    Raises:
        Http404: there is no such form.
    """
    if form == "png":
        return HttpResponse(
            drawn.chart.png(),
            content_type="image/png",
            headers={"Content-Disposition": f'attachment; filename="{name}.png"'},
        )
    return figure_file(
        study=study,
        run_id=run_id,
        name=name,
        form=form,
        figure=drawn.figure,
        table=drawn.figure.table,
    )


def table_file(
    *, study: Study, table: Table, name: str, form: str, run_id: str = ""
) -> HttpResponse:
    """A table as a file.

    Raises:
        Http404: there is no such form.
    """
    return figure_file(study=study, run_id=run_id, name=name, form=form, figure=None, table=table)
