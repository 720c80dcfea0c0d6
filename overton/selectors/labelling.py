"""The researchers' labelling page: which pair comes next, and what others made of it.

Blind first: what other people or a model make of a pair is told only to who has labelled it, so
that her reading says something of them (and not they of hers). `ShownPair` is the one place where
this is decided: without her own label it holds nobody else's.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from annotations.domain.ordering import derived_seed, shuffled
from annotations.models import Response, Study
from juries.models import User
from overton.domain.labels import nearest_first
from overton.models import Answer, EntailmentReading, ExpressionLabel, LabelResolution

Pair = tuple[int, int]

ENOUGH = 200
"""Labelled pairs from which a model's readings are said to be checked against people's."""


class Show(StrEnum):
    """Which pairs a researcher goes through."""

    WAITING = "waiting"
    UNLABELLED = "unlabelled"
    DIFFERING = "differing"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Reading:
    """How many people read a pair in one way.

    `words` is the label as shown; `jurors` and `researchers` are other people than the reader.
    """

    words: str
    jurors: int
    researchers: int


@dataclass(frozen=True)
class ModelReadings:
    """What a model makes of pairs.

    Attributes:
        name: the model.
        scores: pair -> score from 0 to 1.
        expressed: the pairs that it takes as expressed.
        threshold: the score that decides, unless the response refutes the answer.
    """

    name: str
    scores: Mapping[Pair, float]
    expressed: frozenset[Pair]
    threshold: float


@dataclass(frozen=True)
class ModelWord:
    """A model's reading of one pair."""

    name: str
    score: float
    expressed: bool


@dataclass(frozen=True)
class ShownPair:
    """A response beside an answer.

    Attributes:
        response, answer: of one query; the source is not shown.
        mine: the researcher's own label, or "".
        others: what others said, in the order of the labels; empty until she has labelled it.
        differs: some other person reads it in another way than she.
        disputed: the readers differ among each other; False until she has labelled it.
        decision: what a researcher decided where they differ; None until she has labelled it.
        model: what a model makes of it; None until she has labelled it.
    """

    response: Response
    answer: Answer
    mine: str
    others: tuple[Reading, ...]
    differs: bool
    disputed: bool
    decision: LabelResolution | None
    model: ModelWord | None


@dataclass(frozen=True)
class LabellingPage:
    """What the labelling page shows.

    Attributes:
        pair: the pair to label; None where nothing waits.
        previous: the pair that was labelled just before, with what others made of it.
        following: public ids of the next pair of those shown, "" where there is none.
        show: which pairs are gone through.
        shown: how many those are; of those that wait for her, all pairs.
        total: pairs there are.
        mine: how many of them the researcher has labelled.
        anyone: how many anybody has labelled.
        differing: on how many the readers differ.
        undecided: on how many of these nobody has decided.
        unsure: how many a model has read; None where none has.
        place: 1-based place of `pair` among the pairs of `shown`, 0 if it is not among them.
    """

    pair: ShownPair | None
    previous: ShownPair | None
    following: str
    show: Show
    shown: int
    total: int
    mine: int
    anyone: int
    differing: int
    undecided: int
    unsure: int | None
    place: int

    @property
    def enough(self) -> int:
        """How many labelled pairs make a check of a model."""
        return ENOUGH


def labelling_page(
    *,
    study: Study,
    researcher: User,
    show: Show = Show.WAITING,
    asked: tuple[UUID, UUID] | None = None,
    previous: tuple[UUID, UUID] | None = None,
) -> LabellingPage:
    """The pair asked for, or the first of those to be shown.

    Pairs follow the queries; within one the responses come in an order of this researcher's own,
    so that their order says nothing of who wrote them.
    """
    pairs, names = _pairs_and_names(study=study, researcher=researcher)
    known = set(pairs)
    labels = ExpressionLabel.objects.filter(response__query__study=study, is_current=True)
    mine: set[Pair] = set()
    kinds: dict[Pair, set[str]] = defaultdict(set)
    for response, answer, label, reader in labels.order_by().values_list(
        "response_id", "answer_id", "label", "researcher_id"
    ):
        pair = (response, answer)
        if pair in known:
            kinds[pair].add(label)
            if reader == researcher.pk:
                mine.add(pair)
    differing = {pair for pair, labels_ in kinds.items() if len(labels_) > 1}
    decided: set[Pair] = set()
    if differing:
        resolutions = LabelResolution.objects.filter(response__query__study=study, is_current=True)
        decided = set(resolutions.values_list("response_id", "answer_id"))
    readings = model_readings(study=study)
    chosen = _chosen(
        show=show,
        pairs=pairs,
        mine=mine,
        labelled=set(kinds),
        undecided=differing - decided,
        readings=readings,
    )
    shown = None if asked is None else _pair(study, researcher, readings, asked)
    if shown is None and chosen:
        shown = _shown(
            Response.objects.select_related("query").get(pk=chosen[0][0]),
            Answer.objects.get(pk=chosen[0][1]),
            researcher,
            readings,
        )
    here = (shown.response.pk, shown.answer.pk) if shown is not None else None
    # Who goes through all that waits for her is told where she is among all pairs.
    counted = pairs if show == Show.WAITING else chosen
    after = chosen.index(here) + 1 if here in chosen else 0
    return LabellingPage(
        pair=shown,
        previous=None if previous is None else _pair(study, researcher, readings, previous),
        following=names(chosen[after]) if 0 < after < len(chosen) else "",
        show=show,
        shown=len(counted),
        total=len(pairs),
        mine=len(mine),
        anyone=len(kinds),
        differing=len(differing),
        undecided=len(differing - decided),
        unsure=None if readings is None else len(known & set(readings.scores)),
        place=counted.index(here) + 1 if here in counted else 0,
    )


def model_readings(*, study: Study) -> ModelReadings | None:
    """What a model makes of the pairs by its newest reading; None where none has read them."""
    reading = (
        EntailmentReading.objects.filter(
            study=study,
            mode=EntailmentReading.Mode.ENTAILMENT,
            is_current=True,
            stale_since__isnull=True,
        )
        .defer("report_card")
        .first()
    )
    if reading is None:
        return None
    rows = list(
        reading.pairs.filter(score__isnull=False)
        .order_by("pk")
        .values_list("response_id", "answer_id", "score", "expressed")
    )
    if not rows:
        return None
    name = f"{reading.backend} at {reading.revision}" if reading.revision else reading.backend
    return ModelReadings(
        name=name,
        scores={row[:2]: row[2] for row in rows if row[2] is not None},
        expressed=frozenset(row[:2] for row in rows if row[3]),
        threshold=reading.threshold,
    )


def _chosen(
    *,
    show: Show,
    pairs: list[Pair],
    mine: set[Pair],
    labelled: set[Pair],
    undecided: set[Pair],
    readings: ModelReadings | None,
) -> list[Pair]:
    """The pairs to go through, in the order in which they come."""
    if show == Show.DIFFERING:
        return [pair for pair in pairs if pair in undecided]
    if show == Show.UNLABELLED:
        return [pair for pair in pairs if pair not in labelled]
    waiting = [pair for pair in pairs if pair not in mine]
    if show == Show.UNSURE:
        if readings is None:
            return []
        return nearest_first(pairs=waiting, scores=readings.scores, threshold=readings.threshold)
    return waiting


def pairs_in_order(*, study: Study, researcher: User) -> list[Pair]:
    """Every (response, standing answer) pair of the study, as this researcher meets them."""
    return _pairs_and_names(study=study, researcher=researcher)[0]


def _pairs_and_names(*, study: Study, researcher: User) -> tuple[list[Pair], Callable[[Pair], str]]:
    """The pairs in order, and what gives a pair's public ids as they stand in an address."""
    answers: dict[int, list[int]] = defaultdict(list)
    answer_ids: dict[int, UUID] = {}
    for answer, query, public_id in (
        Answer.objects.filter(query__study=study, query__check_kind="", state=Answer.State.ACCEPTED)
        .order_by("pk")
        .values_list("pk", "query_id", "public_id")
    ):
        answers[query].append(answer)
        answer_ids[answer] = public_id
    responses: dict[int, list[tuple[int, str]]] = defaultdict(list)
    response_ids: dict[int, UUID] = {}
    for response, query, public_id in (
        Response.objects.filter(query__study=study)
        .order_by("query__ordinal", "pk")
        .values_list("pk", "query_id", "public_id")
    ):
        responses[query].append((response, public_id.hex))
        response_ids[response] = public_id
    seed = derived_seed(
        seed=study.order_seed, purpose="researcher's labels", parts=(researcher.pk,)
    )
    pairs = [
        (response, answer)
        for query, given in responses.items()
        for response, _ in shuffled(items=given, seed=seed, key=lambda item: item[1])
        for answer in answers.get(query, ())
    ]
    return pairs, lambda pair: f"{response_ids[pair[0]]}.{answer_ids[pair[1]]}"


def _pair(
    study: Study, researcher: User, readings: ModelReadings | None, ids: tuple[UUID, UUID]
) -> ShownPair | None:
    """A pair of this study by its public ids; None where there is no such pair to label."""
    response = (
        Response.objects.select_related("query")
        .filter(query__study=study, public_id=ids[0])
        .first()
    )
    if response is None:
        return None
    answer = Answer.objects.filter(
        query_id=response.query_id, public_id=ids[1], state=Answer.State.ACCEPTED
    ).first()
    return None if answer is None else _shown(response, answer, researcher, readings)


def _shown(
    response: Response, answer: Answer, researcher: User, readings: ModelReadings | None
) -> ShownPair:
    rows = list(
        ExpressionLabel.objects.filter(
            response=response, answer=answer, is_current=True
        ).values_list("label", "juror_id", "researcher_id")
    )
    mine = next((label for label, _, reader in rows if reader == researcher.pk), "")
    if not mine:
        return ShownPair(
            response=response,
            answer=answer,
            mine="",
            others=(),
            differs=False,
            disputed=False,
            decision=None,
            model=None,
        )
    others = [
        (label, juror is not None) for label, juror, reader in rows if reader != researcher.pk
    ]
    counts = Counter(others)
    here = (response.pk, answer.pk)
    score = None if readings is None else readings.scores.get(here)
    return ShownPair(
        response=response,
        answer=answer,
        mine=mine,
        others=tuple(
            Reading(
                words=str(label.label),
                jurors=counts[label.value, True],
                researchers=counts[label.value, False],
            )
            for label in ExpressionLabel.Label
            if counts[label.value, True] or counts[label.value, False]
        ),
        differs=any(label != mine for label, _ in others),
        disputed=len({label for label, _, _ in rows}) > 1,
        decision=LabelResolution.objects.filter(
            response=response, answer=answer, is_current=True
        ).first(),
        model=None
        if readings is None or score is None
        else ModelWord(name=readings.name, score=score, expressed=here in readings.expressed),
    )
