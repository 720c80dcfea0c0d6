"""Bringing queries and responses into a study: the file, the columns, what would come, the import.

Three forms on one address. Between them the upload waits in a folder; the page carries its name,
signed for this study.
"""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods

from annotations.domain.tables import OutsideTable, TableUnreadable
from annotations.forms.study_import import MappingForm, UploadForm, guess
from annotations.models import Study
from annotations.services import query_uploads
from annotations.services.query_import import MappingRefused, import_queries
from annotations.services.query_uploads import DIRECT_ROWS, UploadGone
from annotations.views.guards import editable_study, signed_in
from juries.tasks import enqueue_run

TEMPLATE = "annotations/studies/import.html"
SAMPLE_ROWS = 3
SAMPLE_CHARACTERS = 120
SALT = "annotations.study_import"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def bring_in_queries(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask for the file; then for the columns; then say what would come, and bring it in."""
    study = editable_study(request, public_id)
    if request.method != "POST":
        return render(request, TEMPLATE, {"study": study, "upload_form": UploadForm()})
    try:
        if "upload" not in request.POST:
            return _take_file(request, study)
        kept = signing.loads(request.POST["upload"], salt=SALT)
        if kept["study"] != study.pk:
            raise UploadGone("The upload belongs to another study. Please upload the file again.")
        table = query_uploads.table_of(upload=kept["name"], encoding=kept["encoding"])
        return _take_mapping(request, study, kept, table)
    except (UploadGone, TableUnreadable, signing.BadSignature) as problem:
        text = str(problem)
        if isinstance(problem, signing.BadSignature):
            text = "The page was changed on its way. Please upload the file again."
        form = UploadForm()
        return render(
            request, TEMPLATE, {"study": study, "upload_form": form, "problem": text}, status=400
        )


def _take_file(request: HttpRequest, study: Study) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, TEMPLATE, {"study": study, "upload_form": form}, status=400)
    upload = form.cleaned_data["table"]
    kept = {
        "study": study.pk,
        "name": query_uploads.keep_upload(
            content=upload.read(), name=upload.name, now=timezone.now()
        ),
        "encoding": form.cleaned_data["encoding"],
    }
    try:
        table = query_uploads.table_of(upload=str(kept["name"]), encoding=str(kept["encoding"]))
    except TableUnreadable:
        query_uploads.forget_upload(upload=str(kept["name"]))
        raise
    mapping = MappingForm(table.columns, initial=guess(table.columns))
    return _show_mapping(request, study, kept, table, mapping)


def _take_mapping(
    request: HttpRequest, study: Study, kept: dict[str, str], table: OutsideTable
) -> HttpResponse:
    form = MappingForm(table.columns, request.POST)
    if not form.is_valid():
        return _show_mapping(request, study, kept, table, form, status=400)
    try:
        if request.POST.get("step") == "import":
            return _bring_in(request, study, kept, table, form)
        report = query_uploads.try_queries(study=study, table=table, mapping=form.mapping())
    except MappingRefused as refusal:
        form.add_error(None, str(refusal))
        return _show_mapping(request, study, kept, table, form, status=400)
    return _show_mapping(request, study, kept, table, form, report=report)


def _bring_in(
    request: HttpRequest,
    study: Study,
    kept: dict[str, str],
    table: OutsideTable,
    form: MappingForm,
) -> HttpResponse:
    actor = signed_in(request)
    if len(table.rows) > DIRECT_ROWS:
        run = query_uploads.request_query_import(
            study=study,
            upload=kept["name"],
            encoding=kept["encoding"],
            mapping=form.mapping(),
            actor=actor,
        )
        enqueue_run(run=run)
        return redirect("run", public_id=run.public_id)
    report = import_queries(study=study, table=table, mapping=form.mapping(), actor=actor)
    if not report.is_done:
        return _show_mapping(request, study, kept, table, form, report=report, status=400)
    query_uploads.forget_upload(upload=kept["name"])
    messages.success(
        request,
        f"{report.queries} queries and {report.responses} responses are in the study.",
    )
    return redirect("study", public_id=study.public_id)


def _show_mapping(
    request: HttpRequest,
    study: Study,
    kept: dict[str, str] | dict[str, object],
    table: OutsideTable,
    form: MappingForm,
    *,
    report: object = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        TEMPLATE,
        {
            "study": study,
            "form": form,
            "report": report,
            "upload": signing.dumps(kept, salt=SALT),
            "row_count": len(table.rows),
            "by_run": len(table.rows) > DIRECT_ROWS,
            "sample": {
                "columns": ("row", *table.columns),
                "rows": [
                    (number, *(Truncator(cell).chars(SAMPLE_CHARACTERS) for cell in cells))
                    for number, cells in table.rows[:SAMPLE_ROWS]
                ],
                "text_columns": range(1, len(table.columns) + 1),
            },
        },
        status=status,
    )
