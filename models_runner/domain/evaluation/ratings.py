"""The held-out table of ratings, and the gate that it opens or shuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models_runner.domain.evaluation.held_out import (
    LARGE_GATE,
    MEASURES,
    Gate,
    HeldOutRow,
    HeldOutTable,
    JurorErrors,
    Situation,
    over_seeds,
    situations,
)
from models_runner.domain.evaluation.splits import BoolArray, Split, Watched, held_out_places
from models_runner.domain.reward import (
    BASELINES,
    DEFAULT_METHOD,
    FeatureLearner,
    InvalidRatings,
    Learner,
    RatingTable,
    TableModel,
    UnknownMethod,
    method_names,
)
from models_runner.domain.reward.table import FloatArray, IntArray
from models_runner.domain.scores import Score, score_predictions

COVERAGE_BOUNDS = (0.86, 0.94)


def _row(
    method: str,
    situation: Situation,
    own_ratings: int | None,
    scores: Sequence[Score],
    reason: str,
) -> HeldOutRow:
    reasons = dict.fromkeys(MEASURES, reason)
    if scores:
        reasons["rank_correlation"] = (
            "No tested juror has three ratings that differ, with predictions that differ."
        )
        reasons["accuracy"] = reasons["macro_f1"] = "Only for scales of 2 to 11 points."
        reasons["log_loss"] = "Only for ratings of two values."
    return HeldOutRow(
        method=method,
        situation=situation,
        own_ratings=own_ratings,
        jurors=max((score.jurors for score in scores), default=0),
        ratings=max((score.ratings for score in scores), default=0),
        **{
            name: over_seeds((getattr(score, name) for score in scores), reasons[name])
            for name in MEASURES
        },
    )


def _split(table: RatingTable, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    rated, items = np.unique(table.jurors), np.unique(table.items)
    # Jurors are drawn before items: a seed must keep its split.
    juror_out = np.isin(table.jurors, rated[held_out_places(len(rated), rng)])
    item_out = np.isin(table.items, items[held_out_places(len(items), rng)])
    return Split.of(
        jurors=table.jurors,
        juror_count=table.juror_count,
        juror_out=juror_out,
        item_out=item_out,
        rng=rng,
    )


def _test(
    model: TableModel,
    table: RatingTable,
    rows: BoolArray,
    points: FloatArray,
    own: Callable[[IntArray, FloatArray], None] | None = None,
) -> Score | None:
    if not rows.any():
        return None
    jurors, items = table.jurors[rows], table.items[rows]
    prediction = model.predict_cells(features=table.features, items=items, jurors=jurors)
    if own is not None:
        own(jurors, np.abs(table.ratings[rows] - prediction.median))
    return score_predictions(
        truth=table.ratings[rows], prediction=prediction, jurors=jurors, points=points
    )


def evaluate_methods(
    *,
    table: RatingTable,
    methods: Sequence[str] = (DEFAULT_METHOD,),
    counts: Sequence[int] = (0, 5, 10, 20),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    baselines: Sequence[str] = BASELINES,
    confidence: float = 0.9,
    learners: Sequence[Learner] = (),
    link: str = "logit",
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> HeldOutTable:
    """The held-out table of methods and of the baselines.

    table : at least one rating; small tables give rows without numbers, each with its reason
    counts : numbers of own ratings of a new juror; only those who rated as many old items count
    seeds : one split and two fits each
    baselines : other methods that stand in the same table; the gate compares with those there are
    learners : ways of learning beyond the registry, named in `methods`
    link : of the registry's methods, see ``fit_reward_model``
    progress : called with the share done in [0, 1] and a line of text
    cancelled : asked between fits; ``EvaluationCancelled`` is raised when it says yes
    Raises ``UnknownMethod``, ``InvalidRatings``.
    """
    if not len(table.ratings):
        raise InvalidRatings("There are no ratings to learn from.")
    names = tuple(dict.fromkeys([*baselines, *methods]))
    given_learners = {learner.name: learner for learner in learners}
    chosen: dict[str, Learner] = {}
    for name in names:
        if name not in given_learners and name not in method_names():
            raise UnknownMethod(name=name, known=(*method_names(), *given_learners))
        chosen[name] = given_learners.get(name) or FeatureLearner(name=name, link=link)
    scores: dict[tuple[str, Situation, int | None], list[Score]] = {}
    own_errors = JurorErrors(juror_count=table.juror_count)
    watched = Watched(seeds=seeds, progress=progress, cancelled=cancelled)
    points = np.unique(table.ratings)

    def keep(name: str, situation: Situation, count: int | None, score: Score | None) -> None:
        kept = scores.setdefault((name, situation, count), [])
        if score is not None:
            kept.append(score)

    def test_functions(name: str, split: Split, seed: int) -> None:
        """One fit without the fold's jurors and items: seen jurors, and new ones."""
        available = np.bincount(table.jurors[split.given], minlength=table.juror_count)
        model = chosen[name].fit(
            table=table.take(rows=split.train), confidence=confidence, seed=seed
        )

        def own(jurors: IntArray, errors: FloatArray) -> None:
            if name in methods:
                own_errors.add(method=name, jurors=jurors, errors=errors)

        score = _test(model, table, split.seen_juror, points, own)
        keep(name, Situation.SEEN_JUROR, None, score)
        for count in counts:
            given = table.take(rows=split.given & (split.place < count))
            rows = split.new_juror & (available[table.jurors] >= count)
            adapted = model.adapt(table=given)
            keep(name, Situation.NEW_JUROR, count, _test(adapted, table, rows, points))

    for number, seed in enumerate(seeds):
        split = _split(table, seed)
        for name in watched.each(names, split=number):
            if split.train.any():
                test_functions(name, split, seed)
            if not split.cells.all():
                model = chosen[name].fit(
                    table=table.take(rows=~split.cells), confidence=confidence, seed=seed
                )
                keep(name, Situation.RANDOM_CELLS, None, _test(model, table, split.cells, points))
    watched.finish()
    lines: list[HeldOutRow] = []
    for name in names:
        for situation, own_count in situations(counts):
            reason = _why_empty(table, situation, own_count)
            found = scores.get((name, situation, own_count), [])
            lines.append(_row(name, situation, own_count, found, reason))
    return HeldOutTable(
        rows=tuple(lines),
        seeds=tuple(seeds),
        confidence=confidence,
        data_digest=table.digest,
        by_juror=own_errors.found(),
    )


def _why_empty(table: RatingTable, situation: Situation, own_ratings: int | None) -> str:
    jurors, items = len(np.unique(table.jurors)), len(np.unique(table.items))
    have = f"{len(table.ratings)} ratings by {jurors} jurors of {items} items"
    if situation is Situation.NEW_JUROR and own_ratings:
        return (
            f"No held-out juror rated {own_ratings} of the remaining items and a held-out one "
            f"({have})."
        )
    return f"Too few ratings to hold some out ({have})."


def judge_usable(
    *, table: HeldOutTable, method: str, bounds: tuple[float, float] = COVERAGE_BOUNDS
) -> Gate:
    """The gate: better than every baseline for new jurors from 5 ratings on, intervals honest.

    Better means a smaller mean absolute error, averaged over seeds, in every row of new jurors with
    at least 5 own ratings that could be computed; at least one must be. In the same rows and for
    seen jurors on new items the interval coverage must lie in ``bounds``, ends included.
    """
    rows = table.gate_rows(method=method)
    computed = [row for row in rows if row.mae.is_defined]
    reasons = []
    if not computed:
        why = rows[0].mae.reason if rows else "The table has no such rows."
        reasons.append(f"No error for new jurors with {LARGE_GATE} or more ratings: {why}")
    for row in computed:
        for name in BASELINES:
            rival = table.row(
                method=name, situation=Situation.NEW_JUROR, own_ratings=row.own_ratings
            )
            if name == method or rival is None or rival.mae.value is None:
                continue
            if row.mae.value is not None and row.mae.value >= rival.mae.value:
                reasons.append(
                    f"At {row.own_ratings} own ratings its error {row.mae.value:.3f} is not below "
                    f"the {rival.mae.value:.3f} of {name}."
                )
    seen = table.row(method=method, situation=Situation.SEEN_JUROR)
    for row in [*computed, *([seen] if seen is not None else [])]:
        value = row.coverage.value
        place = (
            "for seen jurors" if row.own_ratings is None else f"at {row.own_ratings} own ratings"
        )
        if value is None:
            reasons.append(f"Interval coverage {place} is not known: {row.coverage.reason}")
        elif not bounds[0] <= value <= bounds[1]:
            reasons.append(
                f"Interval coverage {place} is {value:.3f}, outside [{bounds[0]}, {bounds[1]}]."
            )
    return Gate(method=method, usable=not reasons, reasons=tuple(reasons))
