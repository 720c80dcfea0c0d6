"""What sampled juries of given seats say of a study's responses; nothing is stored here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotations.models import Criterion, Study
from juries.domain.counterfactuals import Counterfactual, counterfactual
from juries.domain.verdicts import JurySpecification, seat_kind
from juries.models import Run
from models_runner.domain.jury_builder import (
    JuryVerdicts,
    SourceVerdicts,
    jury_verdicts,
    source_verdicts,
)
from models_runner.selectors.jury_ratings import JuryUtilities
from models_runner.selectors.kept_files import VERDICTS_KIND, NotKept, kept_lines
from models_runner.selectors.leaderboard import leaderboard_digest

SEED = 0
"""Of the draws: the same question shows the same juries."""

MOST_WORK = 300_000
"""Seats x jurors x responses that a request may try at once; a study of 600 responses, a jury of 12
and a pool of 40 take about half a second."""


class TooMuch(Exception):
    """It would take more than a second; the message says what to choose."""


@dataclass(frozen=True, eq=False)
class Told:
    """What the juries say; `turned` of the picked response, if there is one."""

    responses: JuryVerdicts
    sources: SourceVerdicts
    turned: Counterfactual | None


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of which jury.

    Attributes:
        criterion: of the ratings.
        share: `Share.SAID` or `Share.BOTH`.
        data: ratings of the queries asked about.
        seats: number of seats of each kind.
        threshold: on the criterion's scale.
        query_id: primary key of the one query asked about; None: all.
        picked: place of the response whose verdict is to be turned; None: of none.
        changes: seats that may be changed to turn it.
    """

    criterion: Criterion
    share: str
    data: JuryUtilities
    seats: JurySpecification
    threshold: float
    query_id: int | None = None
    picked: int | None = None
    changes: int = 3

    @property
    def traits(self) -> list[dict[str, str]]:
        """Feature to value of each juror."""
        return [
            {feature: values[row] for feature, values in self.data.traits.items()}
            for row in range(len(self.data.juror_ids))
        ]

    @property
    def as_json(self) -> dict[str, Any]:
        """As a Run's parameters carry it."""
        return {
            "criterion": self.criterion.pk,
            "share": str(self.share),
            "seats": [[list(map(list, kind.traits)), n] for kind, n in self.seats.seats if n],
            "threshold": self.threshold,
            "query": self.query_id,
        }


def seats_from_json(told: Sequence[Any]) -> JurySpecification:
    """The seats that `Question.as_json` wrote."""
    return JurySpecification(tuple((seat_kind(dict(traits)), n) for traits, n in told))


def question_digest(*, question: Question) -> str:
    """SHA-256 over what is asked and the data that it is asked of."""
    study = question.criterion.study
    told = json.dumps(question.as_json, sort_keys=True) + leaderboard_digest(study=study)
    return hashlib.sha256(told.encode()).hexdigest()


def tell(question: Question, *, is_bounded: bool = True) -> Told:
    """Draw the juries; or read what a Run has found of the same question and data.

    Raises:
        InvalidJury: the seats can't be filled.
        TooMuch: it would take too long, and no Run has found it yet.
    """
    data = question.data
    jurors, responses = data.ratings.shape
    is_large = question.seats.size * jurors * responses > MOST_WORK
    kept = _kept(question) if is_large and is_bounded else None
    if kept is not None:
        found, sources = kept
    elif is_large and is_bounded:
        raise TooMuch(
            f"{question.seats.size} seats, {jurors} jurors and {responses} responses are more than "
            "a page can try at once. Choose one query above, or fewer seats; or have it computed "
            "in the background."
        )
    else:
        found = jury_verdicts(
            data.ratings,
            traits=question.traits,
            specification=question.seats,
            seed=SEED,
            guessed=data.guessed,
            threshold=question.threshold,
        )
        sources = source_verdicts(
            found,
            item_sources=[own.source for own in data.responses],
            threshold=question.threshold,
        )
    turned = None
    if question.picked is not None and not found.reasons[question.picked]:
        turned = counterfactual(
            data.ratings[:, question.picked],
            traits=question.traits,
            specification=question.seats,
            threshold=question.threshold,
            seed=SEED,
            most_changes=question.changes,
        )
    return Told(found, sources, turned)


def verdict_runs(*, study: Study, digest: str) -> list[Run]:
    """Runs that were asked this question of these data, newest first."""
    return list(
        Run.objects.filter(
            kind=VERDICTS_KIND, parameters__study=study.pk, input_digest=digest
        ).order_by("-created_at", "-id")
    )


_NUMBERS = ("median", "lower", "upper", "chance", "predicted")


def told_lines(told: Told) -> list[dict[str, Any]]:
    """The verdicts as lines to keep: one for the sources, then one for each response."""
    sources = told.sources
    lines: list[dict[str, Any]] = [
        {
            "sources": list(sources.sources),
            "items": list(sources.items),
            "outcomes": _plain(sources.outcomes),
            **{name: _plain(getattr(sources, name)) for name in _NUMBERS},
        }
    ]
    found = told.responses
    numbers = {name: _plain(getattr(found, name)) for name in _NUMBERS}
    lines += [
        {**{name: numbers[name][place] for name in _NUMBERS}, "reason": reason}
        for place, reason in enumerate(found.reasons)
    ]
    return lines


def _kept(question: Question) -> tuple[JuryVerdicts, SourceVerdicts] | None:
    for run in verdict_runs(
        study=question.criterion.study, digest=question_digest(question=question)
    ):
        if run.state != Run.State.SUCCEEDED:
            continue
        try:
            first, *lines = kept_lines(run=run)
        except NotKept:
            continue
        arrays = {name: np.array([line[name] for line in lines], dtype=float) for name in _NUMBERS}
        # Outcomes jury by jury are kept of sources alone: nothing shows those of a response.
        nothing = np.empty((0, len(lines)))
        return (
            JuryVerdicts(nothing, **arrays, reasons=tuple(line["reason"] for line in lines)),
            SourceVerdicts(
                sources=tuple(first["sources"]),
                outcomes=np.array(first["outcomes"], dtype=float).reshape(
                    -1, len(first["sources"])
                ),
                items=tuple(first["items"]),
                **{name: np.array(first[name], dtype=float) for name in _NUMBERS},
            ),
        )
    return None


def _plain(array: NDArray[np.float64]) -> Any:
    """Nested lists with None for NaN."""
    plain = array.astype(object)
    plain[np.isnan(array)] = None
    return plain.tolist()


def usual_threshold(criterion: Criterion) -> float:
    """The middle of the scale."""
    return (criterion.low + criterion.high) / 2


def of_query(data: JuryUtilities, query_id: int) -> JuryUtilities:
    """The columns of one query."""
    return data.columns([p for p, own in enumerate(data.responses) if own.query_id == query_id])
