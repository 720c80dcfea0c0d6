"""What models read in the responses."""

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import QuerySet

from annotations.models import Study
from annotations.parts.base import BundleRow, Cell, Row, TablePart, cell
from annotations.parts.said import RESPONSE
from annotations.ports import ExportOptions
from annotations.selectors.exports import public_ids, remembered
from overton.models import EntailmentReading, ExtractedView, PairReading
from overton.parts.answers import ANSWER, answer_names


@remembered
def reading_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of a study's readings by primary key; stale ones are left out."""
    return public_ids(
        EntailmentReading.objects.using(using).filter(study=study, stale_since__isnull=True)
    )


class ReadingsPart(TablePart[EntailmentReading]):
    """What models read in the responses, and how well they agree with people."""

    name = "readings"
    meaning = "Readings of the responses by models: judge, threshold, agreement with people."
    predicted: ClassVar[bool] = True
    model = EntailmentReading
    id_columns = ("reading",)
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("reading", "string", "random id of the reading", path="public_id", is_uuid=True),
        cell("mode", "string", "entailment or extraction"),
        cell("backend", "string", "the judge"),
        cell("revision", "string", "its revision, where it has one"),
        cell("weights_digest", "string", "SHA-256 of all that decides its numbers"),
        cell("window_sizes", "json", "how many sentences a passage has"),
        cell("whole_response", "boolean", "the whole response is a passage too"),
        cell("calibration", "json", "how scores become probabilities"),
        cell("threshold", "float", "score from which an answer counts as expressed"),
        cell("threshold_origin", "string", "labels or declared"),
        cell("calibration_note", "string", "why so"),
        cell("report_card", "json", "agreement with people who labelled, held out"),
        cell("input_digest", "string", "SHA-256 of texts, labels and passages"),
        cell("software_version", "string", "what computed it"),
        cell("is_current", "boolean", "it counts where people are silent"),
        cell("created_at", "timestamp", "when it was computed"),
    )

    def rows(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> QuerySet[EntailmentReading]:
        """The study's readings; stale ones learned from what was withdrawn and are left out."""
        found = EntailmentReading.objects.using(using).filter(study=study, stale_since__isnull=True)
        found = found.order_by("pk")
        return found if options.include_history else found.filter(is_current=True)

    def build(self, *, row: BundleRow, study: Study) -> EntailmentReading:
        """One reading; the Run that made it is not part of the data."""
        names = (
            *("backend", "revision", "weights_digest", "window_sizes", "whole_response"),
            *("calibration", "threshold", "calibration_note", "report_card", "input_digest"),
            *("software_version", "is_current"),
        )
        return EntailmentReading(
            public_id=row.public_id("reading"),
            study=study,
            mode=row.one_of("mode", EntailmentReading.Mode),
            threshold_origin=row.one_of("threshold_origin", EntailmentReading.ThresholdOrigin),
            **{name: row.given(name) for name in names},
        )


def of_readings(rows: QuerySet[Row], *, study: Study, options: ExportOptions) -> QuerySet[Row]:
    """Those of a study's readings; of stale ones, and of earlier ones without history, none."""
    found = rows.filter(reading__study=study, reading__stale_since__isnull=True)
    if not options.include_history:
        found = found.filter(reading__is_current=True)
    return found.order_by("pk")


READING: Cell = cell(
    "reading", "string", "id of the reading", path="reading_id", lookup=reading_names
)


class PairReadingsPart(TablePart[PairReading]):
    """What a model made of each pair of a response and an answer."""

    name = "pair_readings"
    meaning = (
        "Does this response express this answer, as a model reads it? People's labels prevail."
    )
    predicted: ClassVar[bool] = True
    model = PairReading
    cells = (
        READING,
        RESPONSE,
        ANSWER,
        cell("score", "float", "largest entailment of a passage, 0 to 1"),
        cell("probability", "float", "the score calibrated on people's labels; empty: too few"),
        cell("entailment", "float", "of the passage"),
        cell("neutral", "float", "of the passage"),
        cell("contradiction", "float", "of the passage"),
        cell("reverse", "float", "how far the answer entails the passage; extraction only"),
        cell("expressed", "boolean", "the verdict; empty: not read"),
        cell("refuted", "boolean", "the passage names the answer to refute it"),
        cell("start", "integer", "first character of the passage, from 0"),
        cell("end", "integer", "character after its last"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[PairReading]:
        """Pairs of the study's readings."""
        return of_readings(PairReading.objects.using(using), study=study, options=options)

    def build(self, *, row: BundleRow, study: Study) -> PairReading:
        """One pair."""
        names = (
            *("score", "probability", "entailment", "neutral", "contradiction", "reverse"),
            *("expressed", "start", "end"),
        )
        return PairReading(
            reading_id=row.ref("reading", "readings"),
            response_id=row.ref("response", "responses"),
            answer_id=row.ref("answer", "answers"),
            refuted=row.given("refuted"),
            **{name: row[name] for name in names},
        )


class ExtractedViewsPart(TablePart[ExtractedView]):
    """The views that a model took out of each response."""

    name = "extracted_views"
    meaning = "Views that a model took out of the responses, and the answers that they match."
    predicted: ClassVar[bool] = True
    model = ExtractedView
    cells = (
        READING,
        RESPONSE,
        cell("ordinal", "integer", "place among the response's views"),
        cell("start", "integer", "first character of the view, from 0"),
        cell("end", "integer", "character after its last"),
        cell(
            "answer",
            "string",
            "id of the answer that it matches; empty: none",
            path="answer_id",
            lookup=answer_names,
        ),
        cell("score", "float", "how far the view entails its nearest answer"),
        cell("reverse", "float", "how far that answer entails the view"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[ExtractedView]:
        """Views of the study's readings."""
        return of_readings(ExtractedView.objects.using(using), study=study, options=options)

    def build(self, *, row: BundleRow, study: Study) -> ExtractedView:
        """One view."""
        return ExtractedView(
            reading_id=row.ref("reading", "readings"),
            response_id=row.ref("response", "responses"),
            answer_id=row.maybe_ref("answer", "answers"),
            ordinal=row.count("ordinal"),
            start=row.count("start"),
            end=row.count("end"),
            score=row["score"],
            reverse=row["reverse"],
        )
