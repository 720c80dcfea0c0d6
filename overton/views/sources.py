"""One source in depth: how much it covers, whose views it leaves out, and in which responses."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from annotations.models import Source
from annotations.selectors.sources import source_labels
from annotations.views.guards import viewable_study
from overton.figures.comparison import MEASURE_MEANS, MEASURE_NAMES
from overton.figures.sources import TABLES
from overton.selectors.coverage import study_coverage
from overton.selectors.readings import current_reading
from overton.selectors.sources import source_page
from overton.selectors.windows import is_quick
from overton.views.files import downloads, table_file

SHOWN = 50


@login_required
@require_safe
def source(request: HttpRequest, public_id: uuid.UUID, source_id: int) -> HttpResponse:
    """A source's measures, the answers that it leaves out, and each of its queries."""
    study = viewable_study(request, public_id)
    row = get_object_or_404(Source, study=study, pk=source_id)
    context: dict[str, object] = {"study": study, "tab": "study-coverage", "source": row}
    if not is_quick(study=study):
        return render(request, "overton/source.html", {**context, "is_large": True})
    found = study_coverage(study=study, reading=current_reading(study=study))
    page = source_page(found=found, source=source_labels(study_id=study.pk)[row.pk])
    if page is None:
        return render(request, "overton/source.html", context)
    address = ("study-source-download", (study.public_id, row.pk))
    context |= {
        "page": page,
        "measures": [
            (MEASURE_NAMES[name], page.coverage.measures[name], MEASURE_MEANS[name])
            for name in MEASURE_NAMES
        ],
        "groups": [
            (name, own, page.left_out_of(name)) for name, own in page.coverage.by_group.items()
        ],
        "found": found,
        "shown": SHOWN,
        "files": {
            key: downloads(address=address, key=key, query="", forms=("csv", "json"))
            for key in TABLES
        },
    }
    return render(request, "overton/source.html", context)


@login_required
@require_safe
def download(
    request: HttpRequest, public_id: uuid.UUID, source_id: int, figure: str, form: str
) -> HttpResponse:
    """A table of the page as CSV or JSON."""
    study = viewable_study(request, public_id)
    row = get_object_or_404(Source, study=study, pk=source_id)
    if figure not in TABLES or not is_quick(study=study):
        raise Http404("There is no such table.")
    page = source_page(
        found=study_coverage(study=study, reading=current_reading(study=study)),
        source=source_labels(study_id=study.pk)[row.pk],
    )
    if page is None:
        raise Http404("This source answered no query that has answers.")
    return table_file(
        study=study,
        table=TABLES[figure](page),
        name=f"{study.slug}-{slugify(str(row)) or row.pk}-{figure}",
        form=form,
    )
