"""Answers: what there is to hold, what is the same as what, and what is kept out."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet

from annotations.models import Study
from annotations.parts.base import BundleRow, Cell, TablePart, cell
from annotations.ports import ExportOptions, ImportedIds
from annotations.selectors.exports import juror_names, public_ids, query_names, remembered
from overton.models import Answer, AnswerMerge, Exclusion
from overton.parts.researchers import RESEARCHERS, ResearchersPart, researcher_cell


@remembered
def answer_names(study: Study, using: str) -> dict[int, str]:
    """Public ids of a study's answers by primary key."""
    return public_ids(Answer.objects.using(using).filter(query__study=study))


ANSWER: Cell = cell("answer", "string", "id of the answer", path="answer_id", lookup=answer_names)


def author_names(study: Study, using: str) -> dict[int, str | None]:
    """Public ids of the jurors who proposed answers; None for those who have been erased.

    Unlike what a juror said of others' answers, the answer itself stays.
    """
    known = juror_names(study, using)
    proposed = Answer.objects.using(using).filter(query__study=study, proposed_by__isnull=False)
    keys = proposed.order_by().values_list("proposed_by_id", flat=True).distinct()
    return {key: known.get(key) for key in keys}


class AnswersPart(TablePart[Answer]):
    """The distinct positions on each query."""

    name = "answers"
    meaning = "Distinct positions on each query, and where they came from."
    model = Answer
    id_columns = ("answer",)
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("answer", "string", "random id of the answer", path="public_id", is_uuid=True),
        cell("query", "string", "id of the query", path="query_id", lookup=query_names),
        cell("external_id", "string", "the researchers' own id of it"),
        cell("text", "string", "the position in a sentence or two"),
        cell("origin", "string", "expert, juror, opinion or import"),
        cell("state", "string", "proposed, accepted, merged or rejected"),
        cell(
            "proposed_by",
            "string",
            "id of the juror who proposed it",
            path="proposed_by_id",
            lookup=author_names,
        ),
        cell(
            "merged_into",
            "string",
            "id of the answer that took it in",
            path="merged_into_id",
            lookup=answer_names,
        ),
        cell("decision_reason", "string", "why it was merged or rejected"),
        cell("created_at", "timestamp", "when it was written"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Answer]:
        """Answers to the study's queries."""
        return (
            Answer.objects.using(using).filter(query__study=study).order_by("query__ordinal", "pk")
        )

    def build(self, *, row: BundleRow, study: Study) -> Answer:
        """One answer; a merged one is joined to its other once all are there."""
        state = row.one_of("state", Answer.State)
        merged = state == Answer.State.MERGED
        if merged != (row["merged_into"] is not None):
            raise row.problem("merged_into is given for merged answers, and only for them.")
        return Answer(
            public_id=row.public_id("answer"),
            query_id=row.ref("query", "queries"),
            external_id=row.given("external_id"),
            text=row.given("text"),
            origin=row.one_of("origin", Answer.Origin),
            state=Answer.State.ACCEPTED if merged else state,
            proposed_by_id=row.maybe_ref("proposed_by", "jurors"),
            decision_reason=row.given("decision_reason"),
        )

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the answers, then join those that were merged."""
        merged: list[tuple[str, str]] = []

        def watched() -> Iterator[Mapping[str, Any]]:
            for values in rows:
                if values["merged_into"] is not None:
                    merged.append((values["answer"], values["merged_into"]))
                yield values

        total = super().load(study=study, rows=watched(), ids=ids)
        known = ids.rows.get(self.name, {})
        for number, (answer, into) in enumerate(merged, start=1):
            row = BundleRow(table=self.name, number=number, values={"merged_into": into}, ids=ids)
            Answer.objects.filter(pk=known[answer]).update(
                state=Answer.State.MERGED, merged_into_id=row.ref("merged_into", self.name)
            )
        return total


class AnswerMergesPart(ResearchersPart[AnswerMerge]):
    """The history of what is the same as what."""

    name = "answer_merges"
    meaning = "Answers merged, split off again or found to differ: what was done, why, by whom."
    model = AnswerMerge
    cells = (
        ANSWER,
        cell("act", "string", "merged, split or apart"),
        cell("into", "string", "id of the other answer", path="into_id", lookup=answer_names),
        cell("reason", "string", "why"),
        cell("state_before", "string", "what the answer was before; empty: not known"),
        cell("forward", "float", "how far a model reads the answer to entail the other"),
        cell("backward", "float", "how far a model reads the other to entail the answer"),
        cell("judge", "string", "the model with its revision; empty: none was asked"),
        researcher_cell(
            "pseudonym of the researcher; empty: the juror herself, or not known", path="actor_id"
        ),
        cell("created_at", "timestamp", "when; empty: before there was a history"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[AnswerMerge]:
        """The history of the study's answers, from its beginning."""
        return AnswerMerge.objects.using(using).filter(answer__query__study=study).order_by("pk")

    def build(self, *, row: BundleRow, study: Study) -> AnswerMerge:
        """One act."""
        answer, into = row.ref("answer", "answers"), row.ref("into", "answers")
        if answer == into:
            raise row.problem("answer and into are the same.")
        before = row["state_before"] or ""
        return AnswerMerge(
            answer_id=answer,
            into_id=into,
            act=row.one_of("act", AnswerMerge.Act),
            reason=row["reason"] or "",
            state_before=row.one_of("state_before", Answer.State) if before else "",
            forward=row["forward"],
            backward=row["backward"],
            judge=row["judge"] or "",
            actor_id=row.maybe_ref("researcher", RESEARCHERS),
            created_at=row["created_at"],
        )


class ExclusionsPart(TablePart[Exclusion]):
    """Answers kept out from above."""

    name = "exclusions"
    meaning = "Answers that the researchers kept out of the reasonable ones, with the reason."
    model = Exclusion
    cells = (
        ANSWER,
        cell("reason", "string", "the reason"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Exclusion]:
        """Exclusions of the study's answers."""
        return (
            Exclusion.objects.using(using)
            .filter(answer__query__study=study)
            .order_by("answer__query__ordinal", "answer_id")
        )

    def build(self, *, row: BundleRow, study: Study) -> Exclusion:
        """One exclusion."""
        return Exclusion(answer_id=row.ref("answer", "answers"), reason=row.given("reason"))
