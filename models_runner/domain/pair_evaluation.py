"""How well a model foresees comparisons that it has not seen, in the form of ``evaluation``.

Queries (items, where there are no queries) and jurors are held out separately. A seen juror on
comparisons with new items; a new juror, adapted on n of her comparisons of old items, on
comparisons with new items; and random comparisons, where juror and items are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotations.domain.measured import Measured
from models_runner.domain.evaluation import (
    LARGE_GATE,
    MEASURES,
    Gate,
    HeldOutRow,
    HeldOutTable,
    JurorErrors,
    Situation,
    Split,
    Watched,
    held_out_places,
    over_seeds,
    situations,
)
from models_runner.domain.reward import InvalidRatings, UnknownMethod
from models_runner.domain.reward.pairs import TIE, PairTable
from models_runner.domain.reward.preference import (
    LOW_RANK,
    PAIR_BASELINES,
    PAIR_METHODS,
    FittedPreferenceModel,
    fit_preference_model,
)
from models_runner.domain.scores import SUREST

_NO_SCALE = "Comparisons have no error on a scale."


@dataclass(frozen=True, slots=True)
class PairScore:
    """One test's numbers.

    accuracy : share of the comparisons with a winner whose likelier winner won; a chance of exactly
        one half counts half; None: all are ties
    log_loss : mean of -log of the chance given to what was said, in nats; a tie is half of each;
        chances are held to [.01, .99]
    """

    accuracy: float | None
    log_loss: float
    jurors: int
    pairs: int


def _split(table: PairTable, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    compared = np.unique(np.concatenate([table.left, table.right]))
    unit_of = np.arange(len(table.features)) if table.queries is None else table.queries
    units = np.unique(unit_of[compared])
    # Items are drawn before jurors: a seed must keep its split.
    item_out = np.isin(unit_of, units[held_out_places(len(units), rng)])
    told = np.unique(table.jurors)
    juror_out = np.isin(table.jurors, told[held_out_places(len(told), rng)])
    return Split.of(
        jurors=table.jurors,
        juror_count=table.juror_count,
        juror_out=juror_out,
        item_out=item_out[table.left] | item_out[table.right],
        rng=rng,
    )


def score_pairs(*, model: FittedPreferenceModel, table: PairTable) -> PairScore | None:
    """Numbers of the comparisons of a table; None where there are none."""
    if not len(table.wins):
        return None
    chance = np.clip(model.predict_pairs(table=table).chance, SUREST, 1 - SUREST)
    loss = -(table.wins * np.log(chance) + (1 - table.wins) * np.log(1 - chance))
    right = _right(chance, table)
    return PairScore(
        accuracy=None if not len(right) else float(right.mean()),
        log_loss=float(loss.mean()),
        jurors=len(np.unique(table.jurors)),
        pairs=len(table.wins),
    )


def _right(chance: npt.NDArray[np.float64], table: PairTable) -> npt.NDArray[np.float64]:
    """1, 0 or one half for each comparison with a winner."""
    decided = table.wins != TIE
    sign = np.sign(chance[decided] - 0.5) * np.sign(table.wins[decided] - 0.5)
    return np.asarray((sign + 1) / 2, dtype=np.float64)


def evaluate_pairs(
    *,
    table: PairTable,
    methods: Sequence[str] = (LOW_RANK,),
    counts: Sequence[int] = (0, 5, 10, 20),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    baselines: Sequence[str] = PAIR_BASELINES,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> HeldOutTable:
    """The held-out table of methods and baselines: accuracy and logarithmic loss.

    Arguments as in ``evaluation.evaluate_methods``; counts are numbers of own comparisons.
    Raises ``UnknownMethod``, ``InvalidRatings``, ``EvaluationCancelled``.
    """
    if not len(table.wins):
        raise InvalidRatings("There are no comparisons to learn from.")
    names = tuple(dict.fromkeys([*methods, *baselines]))
    for name in names:
        if name not in PAIR_METHODS:
            raise UnknownMethod(name=name, known=PAIR_METHODS)
    scores: dict[tuple[str, Situation, int | None], list[PairScore]] = {}
    own_errors = JurorErrors(juror_count=table.juror_count)
    watched = Watched(seeds=seeds, progress=progress, cancelled=cancelled)

    def keep(name: str, situation: Situation, count: int | None, score: PairScore | None) -> None:
        if score is not None:
            scores.setdefault((name, situation, count), []).append(score)

    for number, seed in enumerate(seeds):
        split = _split(table, seed)
        available = np.bincount(table.jurors[split.given], minlength=table.juror_count)
        for name in watched.each(names, split=number):
            if split.train.any():
                model = fit_preference_model(
                    method=name, table=table.take(rows=split.train), seed=seed
                )
                tested = table.take(rows=split.seen_juror)
                keep(name, Situation.SEEN_JUROR, None, score_pairs(model=model, table=tested))
                if name in methods and len(tested.wins):
                    decided = tested.wins != TIE
                    chance = model.predict_pairs(table=tested).chance
                    own_errors.add(
                        method=name,
                        jurors=tested.jurors[decided],
                        errors=1 - _right(chance, tested),
                    )
                for count in counts:
                    given = table.take(rows=split.given & (split.place < count))
                    rows = split.new_juror & (available[table.jurors] >= count)
                    score = score_pairs(model=model.adapt(table=given), table=table.take(rows=rows))
                    keep(name, Situation.NEW_JUROR, count, score)
            if not split.cells.all():
                model = fit_preference_model(
                    method=name, table=table.take(rows=~split.cells), seed=seed
                )
                score = score_pairs(model=model, table=table.take(rows=split.cells))
                keep(name, Situation.RANDOM_CELLS, None, score)
    watched.finish()
    return HeldOutTable(
        rows=tuple(
            _row(name, situation, count, scores.get((name, situation, count), []), table)
            for name in names
            for situation, count in situations(counts)
        ),
        seeds=tuple(seeds),
        confidence=0.0,
        data_digest=table.digest,
        by_juror=own_errors.found(),
    )


def _row(
    method: str,
    situation: Situation,
    own_pairs: int | None,
    scores: Sequence[PairScore],
    table: PairTable,
) -> HeldOutRow:
    reason = (
        f"Too few comparisons to hold some out ({len(table.wins)} by "
        f"{len(np.unique(table.jurors))} jurors)."
    )
    if situation is Situation.NEW_JUROR and own_pairs:
        reason = f"No held-out juror made {own_pairs} of the remaining comparisons and a new one."
    accuracy_reason = "All comparisons tested are ties." if scores else reason
    found = {
        "accuracy": over_seeds((score.accuracy for score in scores), accuracy_reason),
        "log_loss": over_seeds((score.log_loss for score in scores), reason),
    }
    return HeldOutRow(
        method=method,
        situation=situation,
        own_ratings=own_pairs,
        jurors=max((score.jurors for score in scores), default=0),
        ratings=max((score.pairs for score in scores), default=0),
        **{name: found.get(name, Measured.missing(_NO_SCALE)) for name in MEASURES},
    )


def judge_pairs_usable(*, table: HeldOutTable, method: str = LOW_RANK) -> Gate:
    """The gate: a smaller logarithmic loss than every baseline for new jurors, from 5 own on.

    In every row of new jurors with at least 5 own comparisons that could be computed; at least one
    must be.
    """
    rows = table.gate_rows(method=method)
    reasons = []
    computed = [row for row in rows if row.log_loss.value is not None]
    if not computed:
        why = rows[0].log_loss.reason if rows else "The table has no such rows."
        reasons.append(f"No loss for new jurors with {LARGE_GATE} or more comparisons: {why}")
    for row in computed:
        for name in PAIR_BASELINES:
            rival = table.row(
                method=name, situation=Situation.NEW_JUROR, own_ratings=row.own_ratings
            )
            if rival is None or rival.log_loss.value is None or row.log_loss.value is None:
                continue
            if row.log_loss.value >= rival.log_loss.value:
                reasons.append(
                    f"At {row.own_ratings} own comparisons its logarithmic loss "
                    f"{row.log_loss.value:.3f} is not below the {rival.log_loss.value:.3f} of "
                    f"{name}."
                )
    return Gate(method=method, usable=not reasons, reasons=tuple(reasons))
