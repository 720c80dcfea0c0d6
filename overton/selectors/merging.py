"""Which answers are the same: what was merged, by whom and why, and what might be.

Two answers are suggested as duplicates where each entails the other by a model's reading, or where
they have the same words. What a researcher has found to differ is not suggested again.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from django.db.models import Count

from annotations.models import Opinion, Query, Study
from overton.models import Answer, AnswerMerge, DuplicateScore, Judgement

REWORDED = "Worded anew by the juror."
"""Why a waiting proposal was merged into the juror's later words."""

MUTUAL = 0.5
"""Both directions must reach this score for two answers to be suggested as the same."""

MOST_SUGGESTIONS = 25


@dataclass(frozen=True)
class PairScores:
    """How far one answer entails another and is entailed by it, and who says so."""

    forward: float
    backward: float
    judge: str


@dataclass(frozen=True)
class MergedAnswer:
    """An answer that was merged into a standing one.

    Attributes:
        answer: the merged one.
        is_direct: into the standing answer itself, not by way of another.
        reworded: the juror who proposed it has worded it anew; there is no merge to undo.
    """

    answer: Answer
    is_direct: bool
    reworded: bool


@dataclass(frozen=True)
class StandingCard:
    """An answer that is put to the jury, with what counts for it.

    Attributes:
        answer: the answer.
        jurors: how many have judged it, or one that was merged into it.
        merged: what was merged into it, directly or by way of others, oldest first.
        exclusion: why it is excluded, or "".
    """

    answer: Answer
    jurors: int
    merged: tuple[MergedAnswer, ...]
    exclusion: str


@dataclass(frozen=True)
class Suggestion:
    """Two answers that may be the same. One of them is put to the jury.

    Attributes:
        first, second: the answers, the older first.
        scores: how far they entail each other; None where only their words are the same.
        same_words: they differ in nothing but case, blanks and punctuation.
    """

    first: Answer
    second: Answer
    scores: PairScores | None
    same_words: bool

    @property
    def targets(self) -> tuple[tuple[Answer, Answer], ...]:
        """(what is merged, into what): into answers that are put to the jury."""
        pairs = ((self.second, self.first), (self.first, self.second))
        return tuple(pair for pair in pairs if pair[1].state == Answer.State.ACCEPTED)


@dataclass(frozen=True)
class QueryAnswers:
    """Everything that a researcher decides on among the answers to one query.

    Attributes:
        query: the query.
        standing: answers put to the jury.
        proposed: waiting for a researcher, the oldest first.
        rejected: no distinct positions.
        opinions: jurors' own words that nobody has put forward.
        taken_up: how many of their words were put forward.
        suggestions: likely duplicates, the likeliest first.
        suggestions_total: how many there are, also those not listed.
        unscored: pairs that no model has read.
        judge: who read the others; "" if nobody.
        history: every act, the newest first.
    """

    query: Query
    standing: tuple[StandingCard, ...]
    proposed: tuple[Answer, ...]
    rejected: tuple[Answer, ...]
    opinions: tuple[Opinion, ...]
    taken_up: int
    suggestions: tuple[Suggestion, ...]
    suggestions_total: int
    unscored: int
    judge: str
    history: tuple[AnswerMerge, ...]


def scores_of(*, answer: Answer, other: Answer) -> PairScores | None:
    """How far `answer` entails `other` and the other way round; None if no model has read them."""
    first, second = sorted((answer.pk, other.pk))
    row = DuplicateScore.objects.filter(first=first, second=second).first()
    if row is None:
        return None
    ahead, back = row.forward, row.backward
    if answer.pk != first:
        ahead, back = back, ahead
    return PairScores(forward=ahead, backward=back, judge=row.judge)


def standing_for(*, answer: Answer) -> Answer | None:
    """The answer that stands in the end for one that was merged; None if none does."""
    seen = {answer.pk}
    end = answer
    while end.merged_into is not None and end.merged_into.pk not in seen:
        end = end.merged_into
        seen.add(end.pk)
    return end if end.state == Answer.State.ACCEPTED else None


def query_answers(*, query: Query) -> QueryAnswers:
    """The answers to a query with their merges, the views that wait, and likely duplicates."""
    rows = list(
        Answer.objects.filter(query=query)
        .select_related("query", "merged_into", "exclusion")
        .order_by("pk")
    )
    by_state: dict[str, list[Answer]] = defaultdict(list)
    for row in rows:
        by_state[row.state].append(row)
    standing = by_state[Answer.State.ACCEPTED]
    scores = list(
        DuplicateScore.objects.filter(first__query=query, second__query=query).order_by("pk")
    )
    history = list(
        AnswerMerge.objects.filter(answer__query=query)
        .select_related("answer", "into", "actor")
        .order_by("-pk")
    )
    open_answers = [*standing, *by_state[Answer.State.PROPOSED]]
    decided = {_pair(act.answer_id, act.into_id) for act in history if _settles(act)}
    suggested = _suggestions(open_answers, scores, decided)
    scored = {(row.first_id, row.second_id) for row in scores}
    pairs = {
        _pair(one.pk, two.pk)
        for one, two in combinations(open_answers, 2)
        if Answer.State.ACCEPTED in (one.state, two.state)
    }
    opinions = list(
        Opinion.objects.filter(query=query, is_current=True).select_related("juror").order_by("pk")
    )
    taken = {row.proposed_by_id for row in rows if row.origin == Answer.Origin.OPINION}
    return QueryAnswers(
        query=query,
        standing=_cards(query, standing, by_state[Answer.State.MERGED]),
        proposed=tuple(by_state[Answer.State.PROPOSED]),
        rejected=tuple(by_state[Answer.State.REJECTED]),
        opinions=tuple(row for row in opinions if row.juror_id not in taken),
        taken_up=sum(row.juror_id in taken for row in opinions),
        suggestions=tuple(suggested[:MOST_SUGGESTIONS]),
        suggestions_total=len(suggested),
        unscored=len(pairs - scored),
        judge=scores[-1].judge if scores else "",
        history=tuple(history),
    )


def _settles(act: AnswerMerge) -> bool:
    """The act says that two answers differ: found apart, or split off again."""
    return act.act in (AnswerMerge.Act.APART, AnswerMerge.Act.SPLIT)


def _pair(one: int, two: int) -> tuple[int, int]:
    return (one, two) if one < two else (two, one)


def _cards(query: Query, standing: list[Answer], merged: list[Answer]) -> tuple[StandingCard, ...]:
    into = {row.pk: row.merged_into_id for row in merged}
    ends: dict[int, list[Answer]] = defaultdict(list)
    for row in merged:
        end: int | None = row.pk
        while end in into:
            end = into[end]
        if end is not None:
            ends[end].append(row)
    said = Judgement.objects.filter(answer__query=query, is_current=True)
    judged: dict[int, set[int]] = defaultdict(set)
    for answer, juror in said.order_by().values_list("answer_id", "juror_id"):
        judged[answer].add(juror)
    return tuple(
        StandingCard(
            answer=answer,
            jurors=len(judged[answer.pk].union(*(judged[row.pk] for row in ends[answer.pk]))),
            merged=tuple(
                MergedAnswer(
                    answer=row,
                    is_direct=row.merged_into_id == answer.pk,
                    reworded=row.decision_reason == REWORDED,
                )
                for row in ends[answer.pk]
            ),
            exclusion=answer.exclusion.reason if hasattr(answer, "exclusion") else "",
        )
        for answer in standing
    )


def _plain(text: str) -> str:
    """A text's words alone: case, blanks and punctuation left out."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _suggestions(
    answers: list[Answer], scores: list[DuplicateScore], decided: set[tuple[int, int]]
) -> list[Suggestion]:
    """Likely duplicates: the same words first, then by the weaker direction of the scores."""
    known = {row.pk: row for row in answers}
    words: dict[str, list[Answer]] = defaultdict(list)
    for row in answers:
        if plain := _plain(row.text):
            words[plain].append(row)
    same = {(one.pk, two.pk) for alike in words.values() for one, two in combinations(alike, 2)}
    mutual = {
        (row.first_id, row.second_id): row
        for row in scores
        if row.mutual >= MUTUAL and row.first_id in known and row.second_id in known
    }
    found = []
    for pair in {*same, *mutual} - decided:
        score = mutual.get(pair)
        suggestion = Suggestion(
            first=known[pair[0]],
            second=known[pair[1]],
            scores=None
            if score is None
            else PairScores(score.forward, score.backward, score.judge),
            same_words=pair in same,
        )
        if suggestion.targets:
            weight = -1.0 if score is None else -score.mutual
            found.append((pair not in same, weight, pair, suggestion))
    return [suggestion for *_, suggestion in sorted(found, key=lambda item: item[:3])]


@dataclass(frozen=True)
class AnswersRow:
    """A query in the list of answers: how many answers there are, and what waits."""

    query: Query
    standing: int
    merged: int
    proposed: int
    opinions: int


def answers_list(*, study: Study) -> list[AnswersRow]:
    """Every query of the study with its answers counted; checks left out."""
    counts: Counter[tuple[int, str]] = Counter()
    states = Answer.objects.filter(query__study=study).order_by()
    for query, state, number in states.values_list("query_id", "state").annotate(Count("id")):
        counts[query, state] = number
    taken = set(
        states.filter(origin=Answer.Origin.OPINION).values_list("query_id", "proposed_by_id")
    )
    opinions = Counter(
        query
        for query, juror in Opinion.objects.filter(query__study=study, is_current=True)
        .order_by()
        .values_list("query_id", "juror_id")
        if (query, juror) not in taken
    )
    return [
        AnswersRow(
            query=query,
            standing=counts[query.pk, Answer.State.ACCEPTED],
            merged=counts[query.pk, Answer.State.MERGED],
            proposed=counts[query.pk, Answer.State.PROPOSED],
            opinions=opinions[query.pk],
        )
        for query in Query.objects.asked().filter(study=study).order_by("ordinal")
    ]


def pairs_to_score(*, study: Study, judge: str, weights_digest: str) -> list[tuple[Answer, Answer]]:
    """Pairs of answers to one query that this very model has not read yet, the older first.

    Of two views that both wait for a researcher nothing can be merged, so they are left out.
    """
    rows = (
        Answer.objects.filter(
            query__study=study,
            query__check_kind="",
            state__in=(Answer.State.ACCEPTED, Answer.State.PROPOSED),
        )
        .select_related("query")
        .order_by("query__ordinal", "pk")
    )
    by_query: dict[int, list[Answer]] = defaultdict(list)
    for row in rows:
        by_query[row.query_id].append(row)
    read = set(
        DuplicateScore.objects.filter(
            first__query__study=study, judge=judge, weights_digest=weights_digest
        ).values_list("first_id", "second_id")
    )
    return [
        (one, two)
        for answers in by_query.values()
        for one, two in combinations(answers, 2)
        if Answer.State.ACCEPTED in (one.state, two.state) and (one.pk, two.pk) not in read
    ]
