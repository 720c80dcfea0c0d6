"""What people made of answers: their verdicts, and what they read in the responses."""

from django.db.models import QuerySet

from annotations.models import Study
from annotations.parts.base import BundleRow, TablePart, cell
from annotations.parts.said import FROM_BROWSER, HISTORY, JUROR, RESPONSE, SUBMISSION
from annotations.ports import ExportOptions
from overton.models import ExpressionLabel, Judgement, LabelResolution
from overton.parts.answers import ANSWER
from overton.parts.researchers import RESEARCHERS, ResearchersPart, researcher_cell


class JudgementsPart(TablePart[Judgement]):
    """Jurors' verdicts on answers."""

    name = "judgements"
    meaning = "Jurors' verdicts on answers, and whether they hold them."
    model = Judgement
    cells = (
        JUROR,
        ANSWER,
        cell("verdict", "string", "correct, reasonable, unreasonable or cant_say"),
        cell("holds", "boolean", "she holds this view herself; empty: not said"),
        *HISTORY,
        *FROM_BROWSER,
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Judgement]:
        """Judgements of the study's answers."""
        said = Judgement.objects.using(using).filter(answer__query__study=study).order_by("pk")
        return said if options.include_history else said.filter(is_current=True)

    def build(self, *, row: BundleRow, study: Study) -> Judgement:
        """One judgement."""
        return Judgement(
            juror_id=row.ref("juror", "jurors"),
            answer_id=row.ref("answer", "answers"),
            verdict=row.one_of("verdict", Judgement.Verdict),
            holds=row["holds"],
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class ExpressionLabelsPart(ResearchersPart[ExpressionLabel]):
    """People's readings of what a response expresses."""

    name = "expression_labels"
    meaning = "People's readings: does this response express this answer?"
    model = ExpressionLabel
    cells = (
        RESPONSE,
        ANSWER,
        JUROR,
        researcher_cell(
            "pseudonym of the researcher, where no juror read it", path="researcher_id"
        ),
        cell("label", "string", "expresses, does_not or contradicts"),
        cell(
            "knew_reading",
            "boolean",
            "said after a model's reading of the pair was shown",
            may_lack=True,
        ),
        *HISTORY,
        cell(
            "submission",
            "string",
            "id of the submission; empty: imported, or a researcher's",
            path="submission__client_id",
            is_uuid=True,
        ),
    )

    def rows(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> QuerySet[ExpressionLabel]:
        """Labels of the study's responses."""
        said = ExpressionLabel.objects.using(using).filter(response__query__study=study)
        said = said.order_by("pk")
        return said if options.include_history else said.filter(is_current=True)

    def build(self, *, row: BundleRow, study: Study) -> ExpressionLabel:
        """One label."""
        if (row["juror"] is None) == (row["researcher"] is None):
            raise row.problem("one of juror and researcher is given, not both and not none.")
        return ExpressionLabel(
            response_id=row.ref("response", "responses"),
            answer_id=row.ref("answer", "answers"),
            juror_id=row.maybe_ref("juror", "jurors"),
            researcher_id=row.maybe_ref("researcher", RESEARCHERS),
            label=row.one_of("label", ExpressionLabel.Label),
            knew_reading=row["knew_reading"] or False,
            submission_id=row.maybe_ref_pair(SUBMISSION, "submissions"),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )


class LabelResolutionsPart(ResearchersPart[LabelResolution]):
    """What researchers decided where people read a pair differently."""

    name = "label_resolutions"
    meaning = "What researchers decided on pairs that people read differently, and why."
    model = LabelResolution
    cells = (
        RESPONSE,
        ANSWER,
        cell("label", "string", "expresses, does_not or contradicts: what stands"),
        cell("reason", "string", "why"),
        cell(
            "knew_reading",
            "boolean",
            "decided after a model's reading of the pair was shown",
            may_lack=True,
        ),
        researcher_cell(
            "pseudonym of the researcher who decided; empty: her account is gone",
            path="researcher_id",
        ),
        cell("is_current", "boolean", "false: it was decided otherwise since"),
        cell("created_at", "timestamp", "when it was decided"),
    )

    def rows(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> QuerySet[LabelResolution]:
        """Decisions on the study's pairs."""
        made = LabelResolution.objects.using(using).filter(response__query__study=study)
        made = made.order_by("pk")
        return made if options.include_history else made.filter(is_current=True)

    def build(self, *, row: BundleRow, study: Study) -> LabelResolution:
        """One decision."""
        return LabelResolution(
            response_id=row.ref("response", "responses"),
            answer_id=row.ref("answer", "answers"),
            label=row.one_of("label", ExpressionLabel.Label),
            reason=row.given("reason"),
            knew_reading=row["knew_reading"] or False,
            researcher_id=row.maybe_ref("researcher", RESEARCHERS),
            is_current=row.given("is_current"),
            created_at=row.given("created_at"),
        )
