"""A study's exports: the list, asking for one, its download; and bringing a study in."""

import uuid
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.forms.data import BundleForm, ExportForm
from annotations.models import Export
from annotations.permissions import KEPT_FROM_VIEWERS, can_download_export, can_edit_study
from annotations.selectors.exports import exports_of, finished_export
from annotations.services.exports import delete_export, export_path, request_export
from annotations.services.study_import import request_import
from annotations.views.guards import editable_study, signed_in, viewable_study
from juries.services.runs import worker_answers
from juries.tasks import enqueue_run


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The study's exports, and the form that asks for one."""
    study = viewable_study(request, public_id)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        export = request_export(
            study=study,
            actor=signed_in(request),
            options=form.options(),
            formats=form.cleaned_data["formats"],
        )
        enqueue_run(run=export.run)
        messages.success(request, "The export is being written. This page shows when it is there.")
        return redirect("study-exports", public_id=study.public_id)
    return render(
        request,
        "annotations/exports/list.html",
        {
            "study": study,
            "form": form,
            "exports": exports_of(study=study)[:50],
            "can_edit": can_edit_study(signed_in(request), study),
            "worker_silent": not worker_answers(now=timezone.now()),
        },
        status=400 if form.errors else 200,
    )


@login_required
@require_GET
def download(request: HttpRequest, public_id: uuid.UUID, export_id: uuid.UUID) -> FileResponse:
    """The zip of an export, streamed."""
    study = viewable_study(request, public_id)
    export = finished_export(study=study, public_id=export_id)
    if export is None:
        raise Http404("There is no such export, or it has not been written yet.")
    if not can_download_export(signed_in(request), export):
        raise PermissionDenied(KEPT_FROM_VIEWERS)
    path = export_path(export=export)
    if not path.is_file():
        raise Http404("The files of this export are not here any more. Ask for a new one.")
    # FileResponse closes it.
    return FileResponse(path.open("rb"), as_attachment=True, filename=export.file_name)


@login_required
@require_POST
def delete(request: HttpRequest, public_id: uuid.UUID, export_id: uuid.UUID) -> HttpResponse:
    """Remove an export with its files."""
    study = editable_study(request, public_id)
    export = Export.objects.filter(study=study, public_id=export_id).first()
    if export is None:
        raise Http404("There is no such export.")
    delete_export(export=export, actor=signed_in(request))
    messages.success(request, "The export has been deleted.")
    return redirect("study-exports", public_id=study.public_id)


@login_required
@permission_required("annotations.add_study", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: HttpRequest) -> HttpResponse:
    """Upload a bundle; a Run makes the study that it holds."""
    form = BundleForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        run = request_import(
            path=_kept(form.cleaned_data["bundle"]),
            slug=form.cleaned_data["slug"],
            actor=signed_in(request),
        )
        enqueue_run(run=run)
        return redirect("run", public_id=run.public_id)
    return render(
        request,
        "annotations/exports/bring_in.html",
        {"form": form, "worker_silent": not worker_answers(now=timezone.now())},
        status=400 if form.errors else 200,
    )


def _kept(upload: UploadedFile[bytes]) -> Path:
    """The upload under a name of our own, where a worker finds it."""
    folder = Path(settings.UPLOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.zip"
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return path
