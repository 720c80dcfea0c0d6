"""What comes of a study: results, exports and their files; and a bundle brought in."""

import dataclasses
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import FileResponse, Http404
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.scope import StudyList, StudyView
from annotations.forms.data import BundleForm
from annotations.models import Export, ResultsSnapshot, Study
from annotations.permissions import KEPT_FROM_VIEWERS, can_begin_study, can_download_export
from annotations.ports import ExportOptions, SectionContent, results_sections
from annotations.selectors.exports import exports_of, finished_export
from annotations.selectors.results import results_page, section_from_json
from annotations.services.exports import (
    ExportRefused,
    delete_export,
    export_path,
    request_export,
)
from annotations.services.results import request_results
from annotations.services.study_import import request_import
from annotations.services.table_files import FORMATS
from juries.api.bodies import Body, NoBody, OneOf, Row, checked, require_valid
from juries.api.problems import INVALID, refuse_as
from juries.api.rights import signed_in
from juries.api.runs import RunDetail, RunRow, run_requested
from juries.tasks import enqueue_run

refuse_as(INVALID, ExportRefused)


class ResultsRow(Row):
    """The newest results of a study."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of these results.")
    run = serializers.UUIDField(source="run.public_id", help_text="The Run that computed them.")
    input_digest = serializers.CharField(help_text="SHA-256 over what they were computed from.")
    is_outdated = serializers.BooleanField(help_text="More has been said since.")
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When a juror withdrew what is in them; null: nobody did."
    )
    is_simulated = serializers.BooleanField(help_text="The study's jurors are made up.")
    pending_run = serializers.UUIDField(
        allow_null=True, help_text="A Run that is computing newer ones."
    )
    created_at = serializers.DateTimeField(help_text="When they were computed.")
    sections = serializers.ListField(
        child=serializers.DictField(),
        help_text=(
            "Each with `key`, `title`, `summary` (sentences), `notices`, `empty_reason`, "
            "`figures` and `tables`. A figure has `title`, `finding`, `n`, `interval`, "
            "`is_predicted`, `run`, its numbers as `table`, and `svg`, the address of its drawing."
        ),
    )


class ExportRow(Row):
    """A data set of the study."""

    id = serializers.UUIDField(source="public_id", help_text="Random id of the export.")
    run = RunRow(help_text="The Run that writes it.")
    options = serializers.DictField(help_text="What was asked for.")
    content_sha256 = serializers.CharField(
        source="digest", help_text="SHA-256 over the files of the bundle; empty: not written yet."
    )
    file_name = serializers.CharField(help_text="Name of the zip; empty: not written yet.")
    download = serializers.SerializerMethodField(
        help_text="Address of the zip; null: not written yet."
    )
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="When a juror withdrew what is in it; null: nobody did."
    )
    created_at = serializers.DateTimeField(help_text="When it was asked for.")

    def get_download(self, export: Export) -> str | None:
        """Where the zip is."""
        if not export.file_name:
            return None
        path = reverse(
            "api-export-download",
            args=[self.context["study"].public_id, export.public_id],
        )
        return str(self.context["request"].build_absolute_uri(path))


class ExportBody(Body):
    """What an export is to hold."""

    formats = serializers.ListField(
        child=OneOf([(name, name) for name in FORMATS]),
        required=False,
        min_length=1,
        default=list(FORMATS),
        help_text="Each table is written once in each of these.",
    )
    suppress_below = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=1000,
        default=0,
        help_text="Blank traits until each combination is shared by so many jurors; 0: show all.",
    )
    include_history = serializers.BooleanField(
        required=False, default=True, help_text="Also what jurors have since changed."
    )
    include_predicted = serializers.BooleanField(
        required=False, default=True, help_text="Also what models guess, in tables of their own."
    )
    language = serializers.RegexField(
        r"^[a-z]{2,3}$",
        required=False,
        allow_blank=True,
        default="",
        help_text="ISO 639 code of the texts, for the dataset card.",
    )


class BundleBody(Body):
    """A bundle to bring in."""

    bundle = serializers.FileField(help_text="The zip of an export.")
    slug = serializers.SlugField(
        required=False,
        allow_blank=True,
        max_length=80,
        help_text="The study's slug; empty: that of the bundle. A new one makes a copy.",
    )


class Results(StudyView[ResultsSnapshot]):
    """Results of a study."""

    serializer_class = ResultsRow
    queryset = ResultsSnapshot.objects.all()

    @extend_schema(summary="Read the results", operation_id="results_read")
    def get(self, request: Request, study_id: UUID) -> Response:
        """The newest results, section by section: sentences, figures with their numbers, tables."""
        page = results_page(study=self.study)
        snapshot = page.snapshot
        if snapshot is None:
            raise Http404("No results have been computed; ask for them with POST.")
        content = snapshot.content
        shown = {
            "public_id": snapshot.public_id,
            "run": snapshot.run,
            "input_digest": snapshot.input_digest,
            "is_outdated": page.is_outdated,
            "stale_since": snapshot.stale_since,
            "is_simulated": self.study.is_simulated,
            "pending_run": page.pending.public_id if page.pending else None,
            "created_at": snapshot.created_at,
            "sections": [
                self._section(key, section.title, section_from_json(content[key]))
                for key, section in results_sections().items()
                if key in content
            ],
        }
        return Response(ResultsRow(shown).data)

    def _section(self, key: str, title: str, content: SectionContent) -> dict[str, Any]:
        figures = []
        for figure in content.figures:
            plain = dataclasses.asdict(figure)
            path = reverse(
                "study-results-download", args=[self.study.public_id, key, figure.key, "svg"]
            )
            plain["svg"] = self.request.build_absolute_uri(path)
            plain["run"] = plain.pop("run_id") or None
            plain["table"]["numeric"] = sorted(figure.table.numeric)
            figures.append(plain)
        tables = []
        for heading, table in content.tables:
            plain = dataclasses.asdict(table)
            plain["numeric"] = sorted(table.numeric)
            tables.append({"title": heading, "table": plain})
        return {
            "key": key,
            "title": title,
            "summary": list(content.summary),
            "notices": list(content.notices),
            "empty_reason": content.empty_reason,
            "figures": figures,
            "tables": tables,
        }

    @extend_schema(
        summary="Compute the results", request=NoBody, responses={202: RunDetail},
        operation_id="results_compute",
    )  # fmt: skip
    def post(self, request: Request, study_id: UUID) -> Response:
        """Compute them anew. Answers with the Run; where one is at it already, with that one."""
        checked(NoBody, request)
        pending = results_page(study=self.study).pending
        if pending is not None:
            return run_requested(pending)
        run = request_results(study=self.study, requested_by=signed_in(request))
        enqueue_run(run=run)
        return run_requested(run)


class ExportList(StudyList[Export]):
    """Exports."""

    serializer_class = ExportRow
    queryset = Export.objects.all()
    newest_first = True
    viewers_may_write = True

    def rows(self) -> QuerySet[Export]:
        """The study's exports with their Runs."""
        return exports_of(study=self.study).defer("manifest", "run__log", "run__parameters")

    def get_serializer_context(self) -> dict[str, Any]:
        """The study, for the addresses of files."""
        return {**super().get_serializer_context(), "study": getattr(self, "study", None)}

    @extend_schema(summary="List exports")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Data sets of the study, newest first, each with its Run."""
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Ask for an export", request=ExportBody, responses={202: ExportRow})
    def post(self, request: Request, study_id: UUID) -> Response:
        """Write the labelled data set. Watch its Run; then fetch `download`. For viewers it is
        written without the quiz, whose right answers only owners and editors see.
        """
        given = checked(ExportBody, request)
        formats = list(dict.fromkeys(given.pop("formats")))
        export = request_export(
            study=self.study,
            actor=signed_in(request),
            options=ExportOptions(**given),
            formats=formats,
        )
        enqueue_run(run=export.run)
        return Response(
            self.get_serializer(export).data,
            status=202,
            headers={"Location": reverse("api-export", args=[study_id, export.public_id])},
        )


class OneExport(StudyView[Export]):
    """One export."""

    serializer_class = ExportRow
    queryset = Export.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        """The study, for the address of the file."""
        return {**super().get_serializer_context(), "study": getattr(self, "study", None)}

    def _load(self, export_id: UUID) -> Export:
        found = exports_of(study=self.study).filter(public_id=export_id).first()
        if found is None:
            raise Http404("The study has no such export.")
        return found

    @extend_schema(summary="Read an export")
    def get(self, request: Request, study_id: UUID, export_id: UUID) -> Response:
        """Whether it has been written, and where its zip is."""
        return Response(self.get_serializer(self._load(export_id)).data)

    @extend_schema(summary="Delete an export", responses={204: None})
    def delete(self, request: Request, study_id: UUID, export_id: UUID) -> Response:
        """Remove its files; the Run stays as the record."""
        delete_export(export=self._load(export_id), actor=signed_in(request))
        return Response(status=204)


class ExportDownload(StudyView[Export]):
    """The zip of an export."""

    serializer_class = ExportRow
    queryset = Export.objects.all()

    @extend_schema(
        summary="Download an export",
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The bundle.")},
    )
    def get(self, request: Request, study_id: UUID, export_id: UUID) -> FileResponse:
        """The bundle as a zip, streamed."""
        export = finished_export(study=self.study, public_id=export_id)
        if export is None:
            raise Http404("There is no such export, or it has not been written yet.")
        if not can_download_export(signed_in(request), export):
            raise PermissionDenied(KEPT_FROM_VIEWERS)
        path = export_path(export=export)
        if not path.is_file():
            raise Http404("The files of this export are not here any more. Ask for a new one.")
        # FileResponse closes it.
        return FileResponse(path.open("rb"), as_attachment=True, filename=export.file_name)


class StudyImport(GenericAPIView[Study]):
    """Bringing a study in."""

    serializer_class = RunDetail
    queryset = Study.objects.all()
    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="Bring in a bundle",
        request={"multipart/form-data": BundleBody},
        responses={202: RunDetail},
    )
    def post(self, request: Request) -> Response:
        """Make the study that the zip of an export holds. Answers with the Run. For staff."""
        user = signed_in(request)
        if not can_begin_study(user):
            raise PermissionDenied("Only staff may bring in a study.")
        given = checked(BundleBody, request)
        form = BundleForm(
            {"slug": given.get("slug", "")}, MultiValueDict({"bundle": [given["bundle"]]})
        )
        require_valid(form)
        run = request_import(
            path=_kept(form.cleaned_data["bundle"]), slug=form.cleaned_data["slug"], actor=user
        )
        enqueue_run(run=run)
        return run_requested(run)


def _kept(upload: "UploadedFile[Any]") -> Path:
    """The upload under a name of our own, where a worker finds it."""
    folder = Path(settings.UPLOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid4().hex}.zip"
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return path
