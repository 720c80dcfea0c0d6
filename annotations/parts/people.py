"""The jurors under random ids, and their way through the study."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet

from annotations.models import (
    Assignment,
    Participation,
    ProfileQuestion,
    ProfileReply,
    Query,
    QuizReply,
    Study,
    Submission,
)
from annotations.parts.base import (
    BATCH_ROWS,
    INSERT_ROWS,
    BundleRow,
    TablePart,
    cell,
    joined,
)
from annotations.ports import Column, ExportOptions, ImportedIds
from annotations.selectors.exports import exported_traits, juror_names, query_names
from juries.models import Candidate, CandidateTrait, Feature, Juror, Seat

TRAIT = "trait_"


class JurorsPart:
    """Who sat, with traits; no identity, and not the id that the person has in the pool."""

    name: ClassVar[str] = "jurors"
    meaning: ClassVar[str] = "Jurors under random ids, with their traits."
    predicted: ClassVar[bool] = False
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("juror", "string", "random id of the juror"),
        Column("is_simulated", "boolean", "an invented juror"),
        Column("seat", "integer", "number of the seat; empty: none"),
        Column("seat_state", "string", "drawn, invited, accepted, declined, withdrawn, replaced"),
    )

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The fixed columns, and one for each trait."""
        names = (
            []
            if study.jury is None
            else Feature.objects.using(study._state.db)
            .filter(pool_id=study.jury.pool_id)
            .order_by("position", "id")
            .values_list("name", flat=True)
        )
        return (
            *self._columns,
            *(Column(TRAIT + name, "string", f"{name}; empty: not shown") for name in names),
        )

    def batches(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Jurors in the order in which they were drawn."""
        traits = exported_traits(study=study, below=options.suppress_below, using=using)
        for start in range(0, len(traits.juror_ids), BATCH_ROWS):
            part = slice(start, start + BATCH_ROWS)
            keys = traits.juror_ids[part]
            found = {
                row[0]: row[1:]
                for row in Juror.objects.using(using)
                .filter(pk__in=keys)
                .values_list("pk", "public_id", "is_simulated", "seat__number", "seat__state")
            }
            rows = traits.suppression.rows[part]
            yield {
                "juror": [str(found[key][0]) for key in keys],
                "is_simulated": [found[key][1] for key in keys],
                "seat": [found[key][2] for key in keys],
                "seat_state": [found[key][3] for key in keys],
                **{
                    TRAIT + name: [row[index] for row in rows]
                    for index, name in enumerate(traits.features)
                },
            }

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make a candidate, her traits, a juror and a seat of each row."""
        total = 0
        while chunk := list(islice(rows, INSERT_ROWS)):
            read = [
                BundleRow(table=self.name, number=total + number, values=values, ids=ids)
                for number, values in enumerate(chunk, start=1)
            ]
            self._load_chunk(study, read, chunk, ids)
            total += len(chunk)
        return total

    def _load_chunk(
        self,
        study: Study,
        read: Sequence[BundleRow],
        values: Sequence[Mapping[str, Any]],
        ids: ImportedIds,
    ) -> None:
        jury = study.jury
        if jury is None:
            raise read[0].problem("the study has no jury.")
        known = ids.rows.setdefault(self.name, {})
        public_ids = [row.public_id("juror") for row in read]
        candidates = Candidate.objects.bulk_create(
            Candidate(pool=jury.pool, external_id=str(public_id)) for public_id in public_ids
        )
        jurors = Juror.objects.bulk_create(
            Juror(
                public_id=public_id,
                jury=jury,
                candidate=candidate,
                is_simulated=row.given("is_simulated"),
            )
            for row, public_id, candidate in zip(read, public_ids, candidates, strict=True)
        )
        for row, juror in zip(read, jurors, strict=True):
            known[row.given("juror")] = juror.pk
        Seat.objects.bulk_create(
            Seat(
                jury=jury,
                juror=juror,
                number=row.count("seat"),
                state=row.one_of("seat_state", Seat.State),
            )
            for row, juror in zip(read, jurors, strict=True)
            if row["seat"] is not None
        )
        CandidateTrait.objects.bulk_create(self._traits(read, values, candidates, ids))

    @staticmethod
    def _traits(
        read: Sequence[BundleRow],
        values: Sequence[Mapping[str, Any]],
        candidates: Sequence[Candidate],
        ids: ImportedIds,
    ) -> Iterator[CandidateTrait]:
        features = ids.rows.get("features", {})
        known = ids.rows.get("feature_values", {})
        for row, cells, candidate in zip(read, values, candidates, strict=True):
            for name, value in cells.items():
                if not name.startswith(TRAIT) or value is None:
                    continue
                feature = name.removeprefix(TRAIT)
                key = joined(feature, value)
                if key not in known:
                    raise row.problem(f"{name} is {value!r}, which is not in features.")
                yield CandidateTrait(
                    candidate=candidate,
                    feature_id=features[feature],
                    feature_value_id=known[key],
                )


class ParticipationsPart(TablePart[Participation]):
    """How far each juror came."""

    name = "participations"
    meaning = "Each juror's way through the study."
    model = Participation
    id_columns = ("juror",)
    cells = (
        cell("juror", "string", "id of the juror", path="juror_id", lookup=juror_names),
        cell("ordinal", "integer", "her place in the balanced order of queries"),
        cell("state", "string", "started, consented, working, finished, refused or withdrawn"),
        cell(
            "came_by",
            "string",
            "open (link), prolific or panel: she came by herself; empty text: by her seat's link",
        ),
        cell("consented_at", "timestamp", "when she agreed"),
        cell("consent_version", "string", "to which version of the text"),
        cell("instructions_read_at", "timestamp", "when she began"),
        cell("finished_at", "timestamp", "when she had finished"),
        cell("next_position", "integer", "how many queries she has been given"),
        cell("completed_count", "integer", "how many she has completed"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Participation]:
        """The study's participations."""
        return Participation.objects.using(using).filter(study=study).order_by("ordinal")

    def build(self, *, row: BundleRow, study: Study) -> Participation:
        """One participation."""
        return Participation(
            study=study,
            juror_id=row.ref("juror", "jurors"),
            ordinal=row.count("ordinal"),
            state=row.one_of("state", Participation.State),
            came_by=row.one_of("came_by", Participation.CameBy),
            consented_at=row["consented_at"],
            consent_version=row.given("consent_version"),
            instructions_read_at=row["instructions_read_at"],
            finished_at=row["finished_at"],
            next_position=row.count("next_position"),
            completed_count=row.count("completed_count"),
        )


class ProfileRepliesPart(TablePart[ProfileReply]):
    """What jurors said about themselves."""

    name = "profile_replies"
    meaning = "What jurors said about themselves."
    model = ProfileReply
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell(
            "juror", "string", "id of the juror", path="participation__juror_id", lookup=juror_names
        ),
        cell("question", "string", "key of the question", path="question__key"),
        cell("value", "string", "what she said"),
        cell("is_current", "boolean", "false: she has since changed it"),
        cell("created_at", "timestamp", "when she said it"),
    )

    def sources(
        self, *, study: Study, options: ExportOptions, using: str
    ) -> Iterator[QuerySet[ProfileReply]]:
        """Replies, question by question; of rare ones none where small cells are suppressed."""
        replies = ProfileReply.objects.using(using)
        if not options.include_history:
            replies = replies.filter(is_current=True)
        questions = ProfileQuestion.objects.using(using).filter(study=study)
        for question in questions.order_by("position", "id"):
            asked = replies.filter(question=question).order_by("pk")
            if options.suppress_below > 1:
                current = ProfileReply.objects.using(using).filter(
                    question=question,
                    is_current=True,
                    participation__juror__erased_at__isnull=True,
                )
                counts = Counter(current.values_list("value", flat=True))
                shown = [value for value, n in counts.items() if n >= options.suppress_below]
                asked = asked.filter(is_current=True, value__in=sorted(shown))
            yield asked

    def build(self, *, row: BundleRow, study: Study) -> ProfileReply:
        """One reply."""
        return ProfileReply(
            participation_id=row.ref("juror", "participations"),
            question_id=row.ref("question", "profile_questions"),
            value=row.given("value"),
            is_current=row.given("is_current"),
        )


class QuizRepliesPart(TablePart[QuizReply]):
    """Tries at the questions of the quiz."""

    name = "quiz_replies"
    meaning = "Every try of a juror at a question of the quiz."
    model = QuizReply
    cells = (
        cell(
            "juror", "string", "id of the juror", path="participation__juror_id", lookup=juror_names
        ),
        cell("question", "string", "key of the question", path="question__key"),
        cell("attempt", "integer", "which try it was, from 1"),
        cell("value", "string", "the option that she chose"),
        cell("is_right", "boolean", "it was the right one"),
        cell("created_at", "timestamp", "when she chose it"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[QuizReply]:
        """Tries of the study's jurors."""
        replies = QuizReply.objects.using(using).filter(participation__study=study)
        return replies.order_by("pk") if options.include_quiz else replies.none()

    def build(self, *, row: BundleRow, study: Study) -> QuizReply:
        """One try."""
        attempt = row.count("attempt")
        if attempt < 1:
            raise row.problem("attempt is 0, but tries are counted from 1.")
        return QuizReply(
            participation_id=row.ref("juror", "participations"),
            question_id=row.ref("question", "quiz_questions"),
            attempt=attempt,
            value=row.given("value"),
            is_right=row.given("is_right"),
            created_at=row.given("created_at"),
        )


class AssignmentsPart(TablePart[Assignment]):
    """Which juror was given which query, in which order."""

    name = "assignments"
    meaning = "Which juror was given which query, when, and how long she was at it."
    model = Assignment
    id_columns = ("juror", "query")
    cells = (
        cell(
            "juror", "string", "id of the juror", path="participation__juror_id", lookup=juror_names
        ),
        cell("query", "string", "id of the query", path="query_id", lookup=query_names),
        cell("position", "integer", "place in this juror's own order"),
        cell("state", "string", "claimed, completed or released"),
        cell("claimed_at", "timestamp", "when it was given to her"),
        cell("lease_expires_at", "timestamp", "until when it was kept for her"),
        cell("completed_at", "timestamp", "when all of it was answered"),
        cell("active_ms", "integer", "milliseconds at work"),
        cell("idle_ms", "integer", "milliseconds away from the page"),
        cell(
            "pick_propensity",
            "float",
            "chance with which she got it now, where it was picked by gain; empty: random order",
            path="pick__propensity",
            may_lack=True,
        ),
        cell(
            "pick_rank",
            "integer",
            "its rank by expected gain, 1: most",
            path="pick__rank",
            may_lack=True,
        ),
        cell(
            "pick_candidates",
            "integer",
            "queries that could have been picked",
            path="pick__candidates",
            may_lack=True,
        ),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Assignment]:
        """The study's assignments."""
        return (
            Assignment.objects.using(using)
            .filter(participation__study=study)
            .order_by("participation__ordinal", "position")
        )

    def build(self, *, row: BundleRow, study: Study) -> Assignment:
        """One assignment."""
        return Assignment(
            participation_id=row.ref("juror", "participations"),
            query_id=row.ref("query", "queries"),
            position=row.count("position"),
            state=row.one_of("state", Assignment.State),
            claimed_at=row.given("claimed_at"),
            lease_expires_at=row.given("lease_expires_at"),
            completed_at=row["completed_at"],
            active_ms=row.count("active_ms"),
            idle_ms=row.count("idle_ms"),
        )

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the assignments, and count the places taken on each query."""
        total = super().load(study=study, rows=rows, ids=ids)
        states = Assignment.State
        queries = list(
            Query.objects.filter(study=study)
            .annotate(
                taken=Count(
                    "assignments",
                    filter=Q(assignments__state__in=(states.CLAIMED, states.COMPLETED)),
                ),
                done=Count("assignments", filter=Q(assignments__state=states.COMPLETED)),
            )
            .filter(taken__gt=0)
        )
        for query in queries:
            query.claimed_count = query.taken
            query.completed_count = query.done
        Query.objects.bulk_update(queries, ("claimed_count", "completed_count"), batch_size=300)
        return total


class SubmissionsPart(TablePart[Submission]):
    """What browsers sent: when and how long it took; what was said stands in its own table."""

    name = "submissions"
    meaning = "What browsers sent, page by page; what was said in them stands in other tables."
    model = Submission
    id_columns = ("juror", "submission")
    dated: ClassVar[Mapping[str, str]] = {"received_at": "received_at"}
    cells = (
        cell("submission", "string", "id made by the browser", path="client_id", is_uuid=True),
        cell(
            "juror", "string", "id of the juror", path="participation__juror_id", lookup=juror_names
        ),
        cell("query", "string", "id of the query", path="assignment__query_id", lookup=query_names),
        cell("step", "string", "kind of step"),
        cell("item", "string", "which page of the step"),
        cell("is_late", "boolean", "came after the lease had run out"),
        cell("active_ms", "integer", "milliseconds at work"),
        cell("idle_ms", "integer", "milliseconds away from the page"),
        cell("received_at", "timestamp", "when it came"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[Submission]:
        """Submissions of the study's jurors."""
        return Submission.objects.using(using).filter(participation__study=study).order_by("pk")

    def build(self, *, row: BundleRow, study: Study) -> Submission:
        """One submission, without what the browser sent word for word."""
        return Submission(
            client_id=row.uuid("submission"),
            participation_id=row.ref("juror", "participations"),
            assignment_id=row.ref_pair(("juror", "query"), "assignments"),
            step=row.given("step"),
            item=row.given("item"),
            is_late=row.given("is_late"),
            active_ms=row.count("active_ms"),
            idle_ms=row.count("idle_ms"),
        )
