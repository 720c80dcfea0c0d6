"""The demonstration: an invented pool, a real draw, simulated jurors, and all their results.

Loading goes through the same services as real work does; only what the jurors "say" is made up, and
pool, jurors and study are marked as simulated.
"""

import csv
import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from annotations.domain.ordering import position_of
from annotations.models import (
    Assignment,
    Choice,
    Criterion,
    Opinion,
    Participation,
    Preference,
    ProfileReply,
    Query,
    QueryOption,
    Rating,
    Response,
    Study,
)
from annotations.services.exports import perform_export, request_export
from annotations.services.results import perform_results, request_results
from annotations.services.studies import create_study, open_study
from juries.models import Draw, Jury, Pool, Run, Seat, User
from juries.selectors.records import Randomness
from juries.services.ceremony import enter_value, publish_record
from juries.services.draws import perform_draw, request_draw
from juries.services.invitations import accept_seat, invite
from juries.services.pool_imports import PoolFiles, create_pool, import_pool, import_quotas
from juries.services.runs import RunContext, RunRefused, perform_run
from models_runner.domain.benchmark_definition import DeclaredObjective, ObjectivesDefinition
from models_runner.domain.simulation import (
    SimulatedJuror,
    SimulatedReply,
    StudyPlan,
    read_plan,
    simulate_jurors,
)
from models_runner.models import BenchmarkRun
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.training import perform_training, request_training
from overton.models import Answer, ExpressionLabel, Judgement
from overton.services.answers import add_answer
from overton.services.windows import set_window_rule, take_snapshot

FOLDER = settings.BASE_DIR / "fixtures" / "demo"
POOL_SLUG = "demo"
DRAW_SOURCE = "Nobody: this value is made up for the demonstration"
DRAW_VALUE = "demonstration"
DRAW_DAY = date(2025, 1, 1)
JURY_ID = uuid.uuid5(uuid.NAMESPACE_URL, "venire:demonstration:jury")
SIMULATION_SEED = 2025
MISSING_RATE = 0.04
NOT_FINISHED = 3
LABELLING_EVERY = 3
JURY_SIZE = 40
LINK_DAYS = timedelta(days=30)
BENCHMARK_NAME = "Helpful, fair to all, and whole"
# Of what the jury said and the responses express: it needs no language model.
BENCHMARK = ObjectivesDefinition(
    objectives=(
        DeclaredObjective(
            name="helpfulness", source="criterion", criterion="helpfulness", worst=1, best=5
        ),
        DeclaredObjective(
            name="fairness", source="criterion", criterion="fairness", worst=1, best=5
        ),
        DeclaredObjective(
            name="help for the worst-off",
            source="welfare",
            criterion="helpfulness",
            alpha=inf,
            worst=0,
            best=1,
        ),
        DeclaredObjective(name="Overton coverage", source="coverage", worst=0, best=1),
    ),
    functions=("linear", "minimum", "geometric", "single:helpfulness"),
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoSource:
    """The demonstration's files, read."""

    study: dict[str, Any]
    plan: StudyPlan

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "DemoSource":
        """Read and check the study and its hidden parameters."""
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        parameters = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
        return cls(study=study, plan=read_plan(study=study, parameters=parameters))


@dataclass(frozen=True)
class _Texts:
    """Rows of the study by the keys of the files."""

    criteria: dict[str, Criterion]
    queries: dict[str, Query]
    options: dict[tuple[str, str], QueryOption]
    responses: dict[tuple[str, str], Response]
    answers: dict[tuple[str, str], Answer]


def demo_study() -> Study | None:
    """The demonstration study, if it is loaded."""
    return Study.objects.filter(slug=DemoSource.read().study["slug"]).first()


def load_demo(*, now: datetime, say: Say, owner: User, with_models: bool = True) -> Study:
    """Make the demonstration from nothing to its results; one that is there is left as it is.

    Args:
        now: the time that everything is dated from.
        say: told in a sentence what is being done.
        owner: who will own the study.
        with_models: also train reward models (some twenty seconds).
    """
    known = demo_study()
    if known is not None:
        return known
    source = DemoSource.read()
    say("Demo: importing the pool of 400 invented people and drawing a jury of 40.")
    jury = _drawn_jury(owner=owner)
    say("Demo: writing down what the simulated jurors say.")
    with transaction.atomic():
        study = _make_study(source=source, jury=jury, owner=owner)
        texts = _make_texts(source=source, study=study, owner=owner)
        open_study(study=study, actor=owner, now=now)
        _say_everything(source=source, study=study, texts=texts, now=now, owner=owner)
        take_snapshot(study=study, actor=owner)
    if with_models:
        say("Demo: training one reward model per juror.")
        training = request_training(criterion=texts.criteria["helpfulness"], requested_by=owner)
        _perform(training.run, perform_training)
    # Before the results are computed, so that the invitation does not make them look outdated.
    visitor_link(study=study, now=now)
    say("Demo: computing the results and an export.")
    _perform(request_results(study=study, requested_by=owner), perform_results)
    _perform(request_export(study=study, actor=owner).run, perform_export)
    return study


def request_first_benchmark(*, study: Study) -> Run | None:
    """Ask for the demonstration's benchmark unless its study has one; the Run if so."""
    if BenchmarkRun.objects.filter(benchmark__study=study).exists():
        return None
    with transaction.atomic():
        benchmark = declare_benchmark(
            study=study,
            name=BENCHMARK_NAME,
            definition=BENCHMARK,
            files={},
            created_by=study.created_by,
        )
        return request_benchmark_run(benchmark=benchmark, requested_by=study.created_by).run


def visitor_link(*, study: Study, now: datetime) -> str:
    """A fresh personal link to the seat that is kept free for whoever tries the demonstration."""
    assert study.jury is not None
    seat = study.jury.seats.filter(state__in=Seat.SITTING).order_by("-number").first()
    if seat is None:
        raise RunRefused("The demonstration's jury has no seat left. Delete var/ and start again.")
    (issued,) = invite(seats=[seat], expires_in=LINK_DAYS, now=now)
    return issued.link


def demo_owner() -> tuple[User, str]:
    """The demonstration's researcher and her password, made on the first call.

    The password is random and kept in a file of the var folder that only its owner can read.
    """
    path = settings.VAR_DIR / "demo_password"
    user = User.objects.filter(username="demo").first()
    if user is None or not path.exists():
        password = secrets.token_urlsafe(9)
        user = user or User(username="demo", is_staff=True, is_superuser=True)
        user.set_password(password)
        user.save()
        path.touch(mode=0o600)
        path.write_text(password, encoding="utf-8")
    return user, path.read_text(encoding="utf-8")


def _perform(run: Run, work: Callable[[RunContext], Any]) -> None:
    perform_run(run_id=run.pk, work=work)
    run.refresh_from_db()
    if run.state != Run.State.SUCCEEDED:
        raise RunRefused(f"{run.title}: {run.error}")


def _drawn_jury(*, owner: User) -> Jury:
    """Pool, quotas, draw, publication; all but the last seat accepted."""
    folder = FOLDER / "pool"
    pool = Pool.objects.filter(slug=POOL_SLUG).first() or _imported_pool(folder, owner)
    jury = Jury.objects.filter(pool=pool).first() or _quota_jury(pool, folder, owner)
    if not jury.seats.exists():
        _draw_in_public(jury=jury, owner=owner)
    seats = list(jury.seats.order_by("number"))
    for seat in seats[:-1]:
        accept_seat(seat=seat)
    return jury


def _draw_in_public(*, jury: Jury, owner: User) -> None:
    """The ceremony, with a value that everybody knows; dated so that the same people are drawn."""
    run = request_draw(jury=jury, mode=Draw.Mode.RECORD, actor=owner)
    _perform(run, perform_draw)
    record = publish_record(
        draw=jury.draws.get(run=run),
        randomness=Randomness(source=DRAW_SOURCE, date=DRAW_DAY),
        today=DRAW_DAY,
        actor=owner,
    )
    enter_value(record=record, value=DRAW_VALUE, today=DRAW_DAY, actor=owner)


@transaction.atomic
def _imported_pool(folder: Path, owner: User) -> Pool:
    pool = create_pool(name="Demonstration pool", slug=POOL_SLUG, simulated=True, actor=owner)
    Pool.objects.filter(pk=pool.pk).update(
        description="Four hundred invented people of an invented country.",
        consent_text="I agree to be drawn for a jury. (This is a demonstration.)",
        registration_open=True,
    )
    files = PoolFiles(
        categories=(folder / "categories.csv").read_bytes(),
        respondents=(folder / "respondents.csv").read_bytes(),
        population=(folder / "population.csv").read_bytes(),
    )
    import_pool(pool=pool, files=files, actor=owner)
    return pool


@transaction.atomic
def _quota_jury(pool: Pool, folder: Path, owner: User) -> Jury:
    jury = Jury.objects.create(
        # It stands in the record, whose digest decides who is drawn.
        public_id=JURY_ID,
        pool=pool,
        name="Demonstration jury",
        purpose="To show what a jury of forty says of four made-up assistants.",
        size=JURY_SIZE,
        household_limit=1,
        created_by=owner,
    )
    import_quotas(jury=jury, categories=(folder / "categories.csv").read_bytes(), actor=owner)
    return jury


def _make_study(*, source: DemoSource, jury: Jury, owner: User) -> Study:
    told = source.study
    study = create_study(
        study=Study(
            jury=jury,
            slug=told["slug"],
            title=told["title"],
            description=told["description"],
            consent_text=told["consent"]["text"],
            consent_version=told["consent"]["version"],
            instructions=told["instructions"],
            debrief=told["debrief"],
            completion_code=told["completion_code"],
            contact=told["contact"],
            licence=told["licence"],
            is_simulated=True,
        ),
        owner=owner,
    )
    for position, question in enumerate(told["profile_questions"]):
        study.profile_questions.create(position=position, **question)
    for position, step in enumerate(told["protocol"]):
        study.steps.create(position=position, **step)
    set_window_rule(study=study, actor=owner, **told["window_rule"])
    return study


def _make_texts(*, source: DemoSource, study: Study, owner: User) -> _Texts:
    told = source.study
    criteria = {
        item["key"]: study.criteria.create(position=position, **item)
        for position, item in enumerate(told["criteria"])
    }
    sources = {
        item["key"]: study.sources.create(**{k: v for k, v in item.items() if k != "key"})
        for item in told["sources"]
    }
    texts = _Texts(criteria=criteria, queries={}, options={}, responses={}, answers={})
    for ordinal, item in enumerate(told["queries"]):
        query = study.queries.create(external_id=item["key"], ordinal=ordinal, text=item["text"])
        texts.queries[item["key"]] = query
        for position, option in enumerate(item["options"]):
            texts.options[item["key"], option["key"]] = query.options.create(
                position=position, **option
            )
        for response in item["responses"]:
            name = response["source"]
            texts.responses[item["key"], name] = query.responses.create(
                source=sources[name], external_id=f"{item['key']}-{name}", text=response["text"]
            )
        for answer in item["answers"]:
            texts.answers[item["key"], answer["key"]] = add_answer(
                query=query, text=answer["text"], external_id=answer["key"], actor=owner
            )
    study.query_count = len(texts.queries)
    study.save(update_fields=["query_count"])
    return texts


def _say_everything(
    *, source: DemoSource, study: Study, texts: _Texts, now: datetime, owner: User
) -> None:
    """What the jurors say, all but that of the visitor's seat, and the author's own labels."""
    assert study.jury is not None
    seats = list(study.jury.seats.select_related("juror__candidate").order_by("number"))[:-1]
    traits = _traits()
    jurors = simulate_jurors(
        plan=source.plan,
        traits={
            seat.juror.candidate.external_id: traits[seat.juror.candidate.external_id]
            for seat in seats
        },
        seed=SIMULATION_SEED,
        missing_rate=MISSING_RATE,
    )
    rows = _Said(study=study, texts=texts, at=now - timedelta(days=2))
    for ordinal, (seat, juror) in enumerate(zip(seats, jurors, strict=True)):
        half_way = ordinal >= len(seats) - NOT_FINISHED
        rows.add(juror_id=seat.juror_id, ordinal=ordinal, juror=juror, half_way=half_way)
    rows.save()
    ExpressionLabel.objects.bulk_create(
        ExpressionLabel(
            response=texts.responses[query.key, response.source],
            answer=texts.answers[query.key, answer],
            researcher=owner,
            label=label,
            created_at=now,
        )
        for query in source.plan.queries
        for response in query.responses
        for answer, label in response.labels.items()
    )


def _traits() -> dict[str, dict[str, str]]:
    with (FOLDER / "pool" / "respondents.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: {k: v for k, v in row.items() if k not in ("id", "email", "household")}
            for row in csv.DictReader(file)
        }


class _Said:
    """Rows of all that simulated jurors say, gathered and then written at once."""

    def __init__(self, *, study: Study, texts: _Texts, at: datetime) -> None:
        self.study = study
        self.texts = texts
        self.at = at
        self.completed: dict[int, int] = {}
        self.replies: list[ProfileReply] = []
        self.assignments: list[Assignment] = []
        self.ratings: list[Rating] = []
        self.preferences: list[Preference] = []
        self.choices: list[Choice] = []
        self.opinions: list[Opinion] = []
        self.judgements: list[Judgement] = []
        self.labels: list[ExpressionLabel] = []
        self.reads_labels = False

    def add(self, *, juror_id: int, ordinal: int, juror: SimulatedJuror, half_way: bool) -> None:
        """One juror; half-way ones have answered the first half of their queries only."""
        # Labelling is optional work: every third juror does it.
        self.reads_labels = ordinal % LABELLING_EVERY == 0
        said = juror.replies[: len(juror.replies) // 2] if half_way else juror.replies
        participation = Participation.objects.create(
            study=self.study,
            juror_id=juror_id,
            ordinal=ordinal,
            state=Participation.State.WORKING if half_way else Participation.State.FINISHED,
            consented_at=self.at,
            consent_version=self.study.consent_version,
            instructions_read_at=self.at,
            finished_at=None if half_way else self.at + timedelta(hours=1),
            next_position=self.study.query_count,
            completed_count=len(said),
        )
        for question in self.study.profile_questions.all():
            self.replies.append(
                ProfileReply(
                    participation=participation,
                    question=question,
                    value=juror.profile[question.key],
                )
            )
        for place, reply in enumerate(said):
            moment = self.at + timedelta(minutes=3 * place, seconds=ordinal)
            self._assign(participation, reply, moment)
            self._reply(juror_id, reply, moment)

    def _assign(
        self, participation: Participation, reply: SimulatedReply, moment: datetime
    ) -> None:
        query = self.texts.queries[reply.query]
        self.completed[query.pk] = self.completed.get(query.pk, 0) + 1
        self.assignments.append(
            Assignment(
                participation=participation,
                query=query,
                position=position_of(
                    seed=self.study.order_seed,
                    juror_ordinal=participation.ordinal,
                    item=query.ordinal,
                    count=self.study.query_count,
                ),
                state=Assignment.State.COMPLETED,
                claimed_at=moment,
                lease_expires_at=moment + timedelta(minutes=self.study.lease_minutes),
                completed_at=moment + timedelta(milliseconds=reply.active_ms),
                active_ms=reply.active_ms,
            )
        )

    def _reply(self, juror_id: int, reply: SimulatedReply, moment: datetime) -> None:
        texts, key = self.texts, reply.query
        query = texts.queries[key]
        self.opinions.append(
            Opinion(juror_id=juror_id, query=query, text=reply.opinion, created_at=moment)
        )
        if reply.option is not None:
            option = texts.options[key, reply.option]
            self.choices.append(
                Choice(juror_id=juror_id, query=query, option=option, created_at=moment)
            )
        self.ratings += [
            Rating(
                juror_id=juror_id,
                response=texts.responses[key, own.source],
                criterion=texts.criteria[own.criterion],
                value=own.value,
                created_at=moment,
            )
            for own in reply.ratings
        ]
        self.preferences += [
            Preference(
                juror_id=juror_id,
                query=query,
                left=texts.responses[key, own.left],
                right=texts.responses[key, own.right],
                verdict=own.verdict,
                created_at=moment,
            )
            for own in reply.preferences
        ]
        if self.reads_labels:
            self.labels += [
                ExpressionLabel(
                    response=texts.responses[key, own.source],
                    answer=texts.answers[key, own.answer],
                    juror_id=juror_id,
                    label=own.label,
                    created_at=moment,
                )
                for own in reply.labels
            ]
        self.judgements += [
            Judgement(
                juror_id=juror_id,
                answer=texts.answers[key, own.answer],
                verdict=own.verdict,
                holds=own.holds,
                created_at=moment,
            )
            for own in reply.judgements
        ]

    def save(self) -> None:
        """Write all rows."""
        batches: Sequence[tuple[Any, list[Any]]] = (
            (ProfileReply, self.replies),
            (Assignment, self.assignments),
            (Rating, self.ratings),
            (Preference, self.preferences),
            (Choice, self.choices),
            (Opinion, self.opinions),
            (Judgement, self.judgements),
            (ExpressionLabel, self.labels),
        )
        for model, rows in batches:
            model.objects.bulk_create(rows, batch_size=2000)
        queries = list(self.texts.queries.values())
        for query in queries:
            query.claimed_count = query.completed_count = self.completed.get(query.pk, 0)
        Query.objects.bulk_update(queries, ["claimed_count", "completed_count"])
