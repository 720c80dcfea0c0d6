"""What people said of answers and responses, as arrays. Here merged answers are resolved.

The rule for merged answers: what a person said of the standing answer itself counts; where she said
nothing of it, the newest of what she said of the answers merged into it. Nobody counts twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from annotations.models import Query, Study
from juries.models import CandidateTrait, Juror
from overton.domain.windows import JudgementCode
from overton.models import Answer, Exclusion, Judgement

CODES: Mapping[str, JudgementCode] = {
    Judgement.Verdict.CORRECT.value: JudgementCode.CORRECT,
    Judgement.Verdict.REASONABLE.value: JudgementCode.REASONABLE,
    Judgement.Verdict.UNREASONABLE.value: JudgementCode.UNREASONABLE,
    Judgement.Verdict.CANT_SAY.value: JudgementCode.CANT_SAY,
}


@dataclass(frozen=True)
class StandingAnswer:
    """An answer that is put to the jury."""

    pk: int
    public_id: UUID
    query: int  # place of its query in the table's queries
    text: str
    exclusion: str  # the reason, or ""
    merged: int  # how many answers were merged into it


@dataclass(frozen=True)
class AskedQuery:
    """A query of the study."""

    pk: int
    public_id: UUID
    external_id: str
    text: str


@dataclass(frozen=True)
class JudgementTable:
    """What the jury said of a study's answers.

    Attributes:
        queries: all of the study's, in their order.
        answers: standing answers, by query, in their order.
        jurors: public ids of the jurors who said something, by their number on the jury.
        verdicts: (jurors, answers) int8, of `JudgementCode`.
        holds: (jurors, answers) float, 1 or 0, NaN where she was not asked or did not say.
        groups: feature name -> (values, (jurors,) int: place in values, -1 where unknown).
        simulated: how many of the jurors are simulated.
    """

    queries: tuple[AskedQuery, ...]
    answers: tuple[StandingAnswer, ...]
    jurors: tuple[UUID, ...]
    verdicts: NDArray[np.int8]
    holds: NDArray[np.float64]
    groups: Mapping[str, tuple[tuple[str, ...], NDArray[np.int64]]]
    simulated: int

    def columns_of(self, query: int) -> NDArray[np.int64]:
        """Places of one query's answers."""
        return np.flatnonzero([answer.query == query for answer in self.answers])


def asked_queries(*, study: Study) -> tuple[AskedQuery, ...]:
    """The study's queries in their order, checks left out."""
    rows = (
        Query.objects.asked()
        .filter(study=study)
        .order_by("ordinal")
        .values_list("pk", "public_id", "external_id", "text")
    )
    return tuple(AskedQuery(*row) for row in rows)


def standing_answers(
    *, study: Study, queries: tuple[AskedQuery, ...]
) -> tuple[tuple[StandingAnswer, ...], dict[int, int], dict[int, int]]:
    """The answers put to the jury, and where each answer's judgements count.

    Returns:
        The standing answers; the place by key of each of them; and the place by key of each answer
        that was merged into one of them, directly or by way of others.
    """
    places = {query.pk: place for place, query in enumerate(queries)}
    reasons = dict(
        Exclusion.objects.filter(answer__query__study=study).values_list("answer_id", "reason")
    )
    into: dict[int, int] = dict(
        Answer.objects.filter(query__study=study, state=Answer.State.MERGED).values_list(
            "pk", "merged_into_id"
        )
    )
    rows = list(
        Answer.objects.filter(query__study=study, state=Answer.State.ACCEPTED)
        .order_by("query__ordinal", "pk")
        .values_list("pk", "public_id", "query_id", "text")
    )
    rows = [row for row in rows if row[2] in places]
    direct = {row[0]: place for place, row in enumerate(rows)}
    merged: dict[int, int] = {}
    for pk in into:
        target = pk
        while target in into:
            target = into[target]
        if target in direct:
            merged[pk] = direct[target]
    counts = np.bincount(list(merged.values()), minlength=len(rows))
    answers = tuple(
        StandingAnswer(
            pk=pk,
            public_id=public_id,
            query=places[query],
            text=text,
            exclusion=reasons.get(pk, ""),
            merged=int(count),
        )
        for (pk, public_id, query, text), count in zip(rows, counts, strict=True)
    )
    return answers, direct, merged


def judgement_table(*, study: Study, query: Query | None = None) -> JudgementTable:
    """Everything that the jury said of the study's answers, or of one query's alone."""
    queries = asked_queries(study=study)
    if query is not None:
        queries = tuple(row for row in queries if row.pk == query.pk)
    answers, direct, merged = standing_answers(study=study, queries=queries)
    rows = Judgement.objects.filter(
        answer__query__study=study, answer__query__check_kind="", is_current=True
    )
    if query is not None:
        rows = rows.filter(answer__query=query)
    said = list(rows.order_by("pk").values_list("juror_id", "answer_id", "verdict", "holds"))
    people = sorted({row[0] for row in said})
    place = {pk: number for number, pk in enumerate(people)}
    verdicts = np.full((len(people), len(answers)), JudgementCode.NOT_SAID, dtype=np.int8)
    holds = np.full((len(people), len(answers)), np.nan)
    # The standing answer comes last and so overwrites what was said of those merged into it.
    for column_of in (merged, direct):
        for juror, answer, verdict, held in said:
            column = column_of.get(answer)
            if column is not None:
                verdicts[place[juror], column] = CODES[verdict]
                holds[place[juror], column] = np.nan if held is None else held
    ids = dict(Juror.objects.filter(pk__in=people).values_list("pk", "public_id"))
    return JudgementTable(
        queries=queries,
        answers=answers,
        jurors=tuple(ids[pk] for pk in people),
        verdicts=verdicts,
        holds=holds,
        groups=trait_groups(jurors=people),
        simulated=Juror.objects.filter(pk__in=people, is_simulated=True).count(),
    )


def trait_groups(*, jurors: Sequence[int]) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64]]]:
    """The jurors' traits: for each feature its values in order, and each juror's place in them."""
    rows = (
        CandidateTrait.objects.filter(candidate__jurors__in=jurors)
        .order_by("feature__position", "feature_id", "feature_value__position", "feature_value_id")
        .values_list("feature__name", "feature_value__value", "candidate__jurors")
    )
    place = {pk: number for number, pk in enumerate(jurors)}
    values: dict[str, list[str]] = {}
    codes: dict[str, NDArray[np.int64]] = {}
    for feature, value, juror in rows:
        known = values.setdefault(feature, [])
        if value not in known:
            known.append(value)
        code = codes.setdefault(feature, np.full(len(jurors), -1, dtype=np.int64))
        code[place[juror]] = known.index(value)
    return {feature: (tuple(names), codes[feature]) for feature, names in values.items()}
