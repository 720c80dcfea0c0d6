"""Answers and judgements from elsewhere, into a study or as one: all of a table, or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator, slugify

from annotations.domain.tables import ColumnMissing, OutsideTable, Problems, RowProblem
from annotations.models import Participation, Query, Study, StudyRole
from annotations.services.raters import raters_to_pool, seat_raters
from annotations.services.studies import free_slug
from juries.models import Juror, Jury, User
from juries.services.audit import record_act
from overton.domain.answer_tables import (
    ANSWER_FIELDS,
    JUDGEMENT_FIELDS,
    ColumnsMissing,
    Conversation,
    OutsideAnswer,
    OutsideJudgement,
    guessed_columns,
    read_answers,
    read_judgements,
)
from overton.models import Answer, Judgement

ROWS_AT_A_TIME = 2_000
ANSWERS_NEED = ("query_id", "answer_id", "text")
JUDGEMENTS_NEED = ("juror_id", "query_id", "answer_id", "verdict")
HIDDEN = "Taken out by the conversation's moderators."

Row = TypeVar("Row")


class ImportRefused(ValueError):
    """A table can't be taken at all; the message says what is missing and what to do."""


@dataclass(frozen=True)
class OutsideReport:
    """What came of a table.

    Attributes:
        rows: rows read.
        added: rows that became answers or judgements.
        changed: of these, judgements that supersede one that was imported before.
        known: rows that say what the study has already.
        problems: what is wrong, by row; where there is anything, nothing was added.
        problems_total: how many problems there are, also those not listed.
    """

    rows: int
    added: int = 0
    changed: int = 0
    known: int = 0
    problems: tuple[RowProblem, ...] = ()
    problems_total: int = 0

    @property
    def is_done(self) -> bool:
        """Everything was added, or was there."""
        return not self.problems_total


@transaction.atomic
def import_answers(
    *,
    study: Study,
    table: OutsideTable,
    actor: User | None,
    mapping: Mapping[str, str] | None = None,
) -> OutsideReport:
    """Put the answers of a table before the jury. The same table again changes nothing.

    Args:
        study: whose queries they answer.
        table: as `annotations.domain.tables.read_table` gives it.
        actor: who imports.
        mapping: field -> column, of `ANSWER_FIELDS`; None: found by the headings.

    Raises:
        ImportRefused: a needed column is not there.
    """
    columns = _columns(table, mapping, ANSWER_FIELDS, ANSWERS_NEED)
    try:
        material = read_answers(table, mapping=columns, origins=Answer.Origin.values)
    except (ColumnMissing, ColumnsMissing) as problem:
        raise ImportRefused(str(problem)) from problem
    locked = Study.objects.select_for_update().get(pk=study.pk)
    queries = {query.external_id: query for query in locked.queries.all()}
    here = {
        (answer.query_id, answer.external_id): answer
        for answer in Answer.objects.filter(query__study=locked)
    }
    problems, new = material.problems, []
    for one in material.answers:
        query = queries.get(one.query_id)
        if query is None or query.check_kind:
            problems.add(one.row, columns["query_id"], _no_query(one.query_id, query))
            continue
        known = here.get((query.pk, one.id))
        if known is None:
            new.append((one, query))
        elif known.text.strip() != one.text:
            problems.add(
                one.row,
                columns["text"],
                f"the study has {one.id!r} with other words: “{Truncator(known.text).chars(60)}”. "
                "Give this one another id, or take over the words that are there.",
            )
        elif one.origin and one.origin != known.origin:
            problems.add(
                one.row,
                columns["origin"],
                f"the study has {one.id!r} as {known.origin!r}, not {one.origin!r}.",
            )
    if problems.total:
        return _refused(len(table.rows), problems)
    for part in _portions(new):
        Answer.objects.bulk_create(_answer(one, query) for one, query in part)
    report = OutsideReport(
        rows=len(table.rows), added=len(new), known=len(material.answers) - len(new)
    )
    if new:
        record_act(
            actor=actor,
            verb="imported answers into",
            subject=locked,
            details={"rows": report.rows, "added": report.added, "known": report.known},
        )
    return report


def _no_query(name: str, query: Query | None) -> str:
    if query is not None:
        return f"{name!r} is a check; checks have no answers to judge."
    return (
        f"the study has no query with the id {name!r}. Import the queries first, or write the id "
        "that stands on the query's page."
    )


def _answer(one: OutsideAnswer, query: Query) -> Answer:
    return Answer(
        query=query,
        external_id=one.id,
        text=one.text,
        origin=one.origin or Answer.Origin.IMPORT,
        state=Answer.State.ACCEPTED,
    )


@transaction.atomic
def import_judgements(
    *,
    study: Study,
    table: OutsideTable,
    actor: User | None,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
) -> OutsideReport:
    """Append the judgements of a table. The same table again changes nothing.

    A judgement that differs from one that was imported before supersedes it. What a juror has said
    here herself is not superseded by a file: that is a problem of its row.

    Args:
        study: whose answers were judged, by members of its jury.
        table: as `annotations.domain.tables.read_table` gives it.
        actor: who imports.
        now: the moment to write on them.
        mapping: field -> column, of `JUDGEMENT_FIELDS`; None: found by the headings. Jurors are
            named by the id that they have in the pool, or by their public id.

    Raises:
        ImportRefused: a needed column is not there, or the study has no jury.
    """
    columns = _columns(table, mapping, JUDGEMENT_FIELDS, JUDGEMENTS_NEED)
    if study.jury is None:
        raise ImportRefused(
            "The study has no jury, so that nobody can have judged. Give it the jury whose "
            "members' judgements these are."
        )
    try:
        material = read_judgements(table, mapping=columns, verdicts=Judgement.Verdict.values)
    except (ColumnMissing, ColumnsMissing) as problem:
        raise ImportRefused(str(problem)) from problem
    Study.objects.select_for_update().get(pk=study.pk)
    jurors = _jurors(study.jury)
    answers = {
        (query, external_id): (pk, state)
        for pk, query, external_id, state in Answer.objects.filter(query__study=study).values_list(
            "pk", "query__external_id", "external_id", "state"
        )
    }
    current = {
        (row.juror_id, row.answer_id): row
        for row in Judgement.objects.filter(answer__query__study=study, is_current=True)
    }
    problems, new, old = material.problems, [], []
    for one in material.judgements:
        place = _place(one, jurors, answers, columns, problems)
        if place is None:
            continue
        said = current.get(place)
        if said is None:
            new.append((one, place))
        elif (said.verdict, said.holds) != (one.verdict, one.holds):
            if said.submission_id is not None:
                problems.add(
                    one.row,
                    columns["verdict"],
                    f"{one.juror_id!r} has judged {one.answer_id!r} here herself, otherwise. Her "
                    "own word stands; leave the row out.",
                )
                continue
            new.append((one, place))
            old.append(said.pk)
    if problems.total:
        return _refused(len(table.rows), problems)
    for stale in _portions(old):
        Judgement.objects.filter(pk__in=stale).update(is_current=False)
    for part in _portions(new):
        Judgement.objects.bulk_create(
            Judgement(
                juror_id=juror,
                answer_id=answer,
                verdict=one.verdict,
                holds=one.holds,
                created_at=now,
            )
            for one, (juror, answer) in part
        )
    report = OutsideReport(
        rows=len(table.rows),
        added=len(new),
        changed=len(old),
        known=len(material.judgements) - len(new),
    )
    if new:
        record_act(
            actor=actor,
            verb="imported judgements into",
            subject=study,
            details={"rows": report.rows, "added": report.added, "changed": report.changed},
        )
    return report


def _jurors(jury: Jury) -> dict[str, int]:
    """Primary keys of the jury's members by public id and by their id in the pool."""
    rows = Juror.objects.filter(jury=jury, erased_at__isnull=True).values_list(
        "pk", "public_id", "candidate__external_id"
    )
    found = {str(public_id): pk for pk, public_id, _ in rows}
    found.update({external_id: pk for pk, _, external_id in rows if external_id})
    return found


def _place(
    one: OutsideJudgement,
    jurors: Mapping[str, int],
    answers: Mapping[tuple[str, str], tuple[int, str]],
    columns: Mapping[str, str],
    problems: Problems,
) -> tuple[int, int] | None:
    """Keys of the juror and the answer of a row; None with a note where there is no such."""
    juror = jurors.get(one.juror_id)
    answer, state = answers.get((one.query_id, one.answer_id), (None, ""))
    if juror is None:
        problems.add(
            one.row,
            columns["juror_id"],
            f"nobody on the study's jury has the id {one.juror_id!r}. Write the id that she has in "
            "the pool, or her public id.",
        )
    if answer is None:
        problems.add(
            one.row,
            columns["answer_id"],
            f"the study has no answer {one.answer_id!r} to the query {one.query_id!r}. Import the "
            "answers first.",
        )
    elif state == Answer.State.PROPOSED:
        problems.add(
            one.row,
            columns["answer_id"],
            f"{one.answer_id!r} waits for a researcher; accept it before it is judged.",
        )
    if juror is None or answer is None or state == Answer.State.PROPOSED:
        return None
    return juror, answer


def _columns(
    table: OutsideTable,
    mapping: Mapping[str, str] | None,
    fields: Sequence[str],
    needed: Sequence[str],
) -> dict[str, str]:
    try:
        found = guessed_columns(table.columns, fields=fields, needed=()) | dict(mapping or {})
        missing = [field for field in needed if field not in found]
        if missing:
            guessed_columns(table.columns, fields=fields, needed=needed)
    except ColumnsMissing as problem:
        raise ImportRefused(str(problem)) from problem
    return found


def _refused(rows: int, problems: Problems) -> OutsideReport:
    listed = tuple(sorted(problems.found, key=lambda problem: problem.row))
    return OutsideReport(rows=rows, problems=listed, problems_total=problems.total)


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


# --- Conversations from Pol.is --------------------------------------------------------------------


@dataclass(frozen=True)
class VoteMeaning:
    """What a vote is taken to say: a verdict, and whether the voter holds the view."""

    verdict: str
    holds: bool | None

    def in_words(self) -> str:
        """As it stands in the study's description."""
        held = {True: ", holds it", False: ", does not hold it", None: ", not asked"}[self.holds]
        return f"{Judgement.Verdict(self.verdict).label}{held}"


@dataclass(frozen=True)
class VoteReading:
    """How votes on statements are read as judgements; declared, since it is a choice.

    People were asked whether they agree, not whether a statement is reasonable. Unless declared
    otherwise, a vote therefore tells who holds the view, and no verdict: to take agreement alone
    as "reasonable" would leave no statement that anybody finds unreasonable.
    """

    agree: VoteMeaning = VoteMeaning(Judgement.Verdict.CANT_SAY, True)
    disagree: VoteMeaning = VoteMeaning(Judgement.Verdict.CANT_SAY, False)
    skip: VoteMeaning = VoteMeaning(Judgement.Verdict.CANT_SAY, None)

    def of(self, sign: int) -> VoteMeaning:
        """The meaning of 1, -1 or 0."""
        return {1: self.agree, -1: self.disagree, 0: self.skip}[sign]

    def in_words(self) -> str:
        """One sentence for the record."""
        return (
            f"Votes are read so: agree = {self.agree.in_words()}; disagree = "
            f"{self.disagree.in_words()}; pass = {self.skip.in_words()}."
        )

    @property
    def is_one_sided(self) -> bool:
        """It gives verdicts of one kind alone, so that shares of them say nothing."""
        kind = {
            Judgement.Verdict.CORRECT: "accepted",
            Judgement.Verdict.REASONABLE: "accepted",
            Judgement.Verdict.UNREASONABLE: "refused",
        }
        kinds = {kind.get(Judgement.Verdict(self.of(sign).verdict)) for sign in (1, -1, 0)}
        return len(kinds - {None}) == 1


@dataclass(frozen=True)
class ConversationImported:
    """What an import of a conversation made."""

    study: Study
    answers: int
    hidden: int
    jurors: int
    judgements: int
    superseded: int
    stray: int
    blank: int


@transaction.atomic
def conversation_to_study(
    *,
    conversation: Conversation,
    title: str,
    query_text: str,
    reading: VoteReading | None = None,
    groups: Mapping[str, str] | None = None,
    slug: str = "",
    licence: str = "",
    description: str = "",
    actor: User | None = None,
) -> ConversationImported:
    """A closed study of a conversation: one query, its statements as answers, votes as judgements.

    Statements that moderators took out become rejected answers: their votes are kept and count for
    nothing. Of several votes of one person on one statement the last stands.

    Args:
        conversation: as `overton.domain.answer_tables.read_conversation` gives it.
        title: the study's title.
        query_text: what the statements answer.
        reading: what a vote says; `VoteReading()` if None.
        groups: voter -> opinion group, which becomes a trait.
        slug: of its address; made of the title if empty.
        licence: of the data.
        description: where it comes from; how votes are read is added.
        actor: who imports, and owns the study.

    Raises:
        ImportRefused: problems by row, nobody voted, no question, or a slug that is taken.
    """
    reading = reading or VoteReading()
    for name, problems in (
        ("comments", conversation.comment_problems),
        ("votes", conversation.vote_problems),
    ):
        if problems.total:
            raise ImportRefused(
                f"{problems.total} problems in the table of {name}; nothing was imported. "
                f"The first: {problems.found[0]}"
            )
    if not conversation.votes:
        raise ImportRefused("Nobody voted on any of the statements, so that there is no jury.")
    if not query_text.strip():
        raise ImportRefused("Say what the statements answer, in a question.")
    if slug and (slug != slugify(slug) or Study.objects.filter(slug=slug).exists()):
        raise ImportRefused(
            f"The slug {slug!r} is taken, or is not of small letters, digits and hyphens."
        )
    voters = list(dict.fromkeys(vote.voter for vote in conversation.votes))
    trait = "opinion group"
    traits = {
        voter: ({trait: groups[voter]} if groups and voter in groups else {}) for voter in voters
    }
    pool = raters_to_pool(
        raters=traits, traits=[trait] if groups else [], name=f"Voters of {title}", actor=actor
    )
    jury = seat_raters(pool=pool, name=f"Jury of {title}", actor=actor)
    jurors = dict(jury.jurors.values_list("candidate__external_id", "pk"))
    now = timezone.now()
    study = Study.objects.create(
        jury=jury,
        title=title[:200],
        slug=slug or free_slug(title=title),
        state=Study.State.CLOSED,
        licence=licence,
        description="\n\n".join(part for part in (description, reading.in_words()) if part),
        query_count=1,
        created_by=actor,
        closed_at=now,
    )
    study.steps.create(kind="judging", position=0)
    query = study.queries.create(external_id="conversation", ordinal=0, text=query_text.strip())
    answers: dict[str, int] = {}
    for part in _portions(conversation.comments):
        made = Answer.objects.bulk_create(
            Answer(
                query=query,
                external_id=comment.id,
                text=comment.text,
                origin=Answer.Origin.IMPORT,
                state=Answer.State.REJECTED if comment.hidden else Answer.State.ACCEPTED,
                decision_reason=HIDDEN if comment.hidden else "",
            )
            for comment in part
        )
        answers.update({answer.external_id: answer.pk for answer in made})
    last = {(vote.voter, vote.comment): vote.row for vote in conversation.votes}
    for votes in _portions(conversation.votes):
        Judgement.objects.bulk_create(
            Judgement(
                juror_id=jurors[vote.voter],
                answer_id=answers[vote.comment],
                verdict=reading.of(vote.sign).verdict,
                holds=reading.of(vote.sign).holds,
                is_current=last[vote.voter, vote.comment] == vote.row,
                created_at=datetime.fromtimestamp(vote.moment / 1000, tz=UTC),
            )
            for vote in votes
        )
    Participation.objects.bulk_create(
        [
            Participation(
                study=study,
                juror_id=jurors[voter],
                ordinal=ordinal,
                state=Participation.State.FINISHED,
                finished_at=now,
            )
            for ordinal, voter in enumerate(voters)
        ],
        batch_size=ROWS_AT_A_TIME,
    )
    if actor is not None:
        StudyRole.objects.create(study=study, user=actor, role=StudyRole.Role.OWNER)
    made_of = ConversationImported(
        study=study,
        answers=len(answers),
        hidden=sum(comment.hidden for comment in conversation.comments),
        jurors=len(voters),
        judgements=len(last),
        superseded=len(conversation.votes) - len(last),
        stray=conversation.stray,
        blank=conversation.blank,
    )
    record_act(
        actor=actor,
        verb="imported a conversation into",
        subject=study,
        details={
            "answers": made_of.answers,
            "judgements": made_of.judgements,
            "votes on statements that are not there": made_of.stray,
            "statements without words": made_of.blank,
            "reading": reading.in_words(),
        },
    )
    return made_of
