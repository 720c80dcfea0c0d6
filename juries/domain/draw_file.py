"""A lottery and the panel drawn from it as one JSON file, the same bytes for the same inputs.

Only `seconds` may differ between two runs. `digest` is the SHA-256 of everything else: of the
document without `seconds` and `digest`, keys sorted, no spaces, ASCII alone. Files with one digest
tell of one lottery and one draw.
"""

import hashlib
import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from juries.domain.explanation import Explanation
from juries.domain.lottery import SELECTION_METHODS, Lottery, draw_panel
from juries.domain.pool_files import InvalidPoolFile
from juries.domain.relaxation import InfeasibleQuotas, QuotaChange

FORMAT = "venire-lottery-1"

NOT_DIGESTED = ("digest", "seconds")


def lottery_document(*, lottery: Lottery, seed: str | None, engine: str) -> dict[str, Any]:
    """What a lottery gives everyone, its panels with their weights, and, with a `seed`, who is in.

    Chances and weights are exact: a candidate's probability is the sum of the weights of her
    panels. A bound that no number expresses (a chance of 0 under goldilocks) is None. Raises
    BrokenLottery for an empty seed.
    """
    method = SELECTION_METHODS[lottery.method]
    document: dict[str, Any] = {
        "format": FORMAT,
        "engine": engine,
        "objective": lottery.method,
        "objective_in_words": method.sentence,
        "size": lottery.size,
        "probabilities": {
            candidate: float(chance)
            for candidate, chance in zip(lottery.candidate_ids, lottery.chances, strict=True)
        },
        "panels": [[lottery.candidate_ids[member] for member in panel] for panel in lottery.panels],
        "weights": list(lottery.weights),
        "smallest_chance": lottery.smallest_chance,
        "lower_bound": _number(lottery.lower_bound),
        "upper_bound": _number(lottery.upper_bound),
        "gap": _number(lottery.gap),
        "bounds_in_words": method.bounds,
        "is_proven": lottery.is_proven,
        "relaxation_is_tight": lottery.is_tight,
        "certified": None if lottery.certified is None else dict(lottery.certified),
        "cannot_sit": list(lottery.cannot_sit),
        "estimate": None,
        "seed": seed,
        "drawn": None,
        "seconds": round(lottery.seconds, 3),
    }
    if lottery.estimate is not None:
        document["estimate"] = {
            "runs": lottery.estimate.runs,
            "seed": lottery.estimate.seed,
            "restarts": lottery.estimate.restarts,
        }
    if seed is not None:
        panel = draw_panel(lottery=lottery, seed=seed)
        document["drawn"] = {
            "panel": panel.number,
            "ticket": panel.ticket,
            "candidates": list(panel.candidate_ids),
        }
    document["digest"] = digest_of(document)
    return document


def infeasible_document(*, error: InfeasibleQuotas, objective: str, engine: str) -> dict[str, Any]:
    """Why there is no panel, and what would do.

    `conflict` is a smallest set of demands that no panel meets together, None where time ran out
    before one was found; `relaxations` are up to three smallest ways out, and `changes` the first
    of them; `recruit` says whose joining the pool would do. Only where a quota says how far it may
    give, `within_flex` says whether that is enough, each relaxation whether it `is_within_flex`,
    and a change of such a quota what was said.
    """
    return _failure(
        kind="infeasible_quotas",
        message=str(error),
        objective=objective,
        engine=engine,
        details={
            "problems": [
                {
                    "code": str(problem.code),
                    "feature": problem.feature,
                    "values": list(problem.values),
                    "needed": problem.needed,
                    "available": problem.available,
                    "message": problem.message,
                }
                for problem in error.problems
            ],
            "changes": [_change(change) for change in error.changes],
            **_explained(error.explanation),
        },
    )


def _explained(explanation: Explanation | None) -> dict[str, Any]:
    """The explanation as JSON; without one nothing is known beyond the smallest change."""
    if explanation is None:
        return {"conflict": None, "relaxations": [], "recruit": [], "unfinished": []}
    conflict = explanation.conflict
    within = explanation.within_flex
    return {
        **({} if within is None else {"within_flex": str(within)}),
        "conflict": None
        if conflict is None
        else {
            "members": [member.in_words for member in conflict.members],
            "in_words": conflict.in_words,
            "is_minimal": conflict.is_minimal,
        },
        "relaxations": [
            {
                "seats": way.seats,
                "in_words": way.in_words,
                "changes": [_change(change) for change in way.changes],
                **({} if within is None else {"is_within_flex": way.is_within_flex}),
            }
            for way in explanation.relaxations
        ],
        "recruit": [
            {
                "number": kind.number,
                "traits": [list(trait) for trait in kind.traits],
                "in_words": kind.in_words,
            }
            for kind in explanation.recruiting.recruits
        ],
        "unfinished": list(explanation.unfinished),
    }


def _change(change: QuotaChange) -> dict[str, Any]:
    quota = change.quota
    told: dict[str, Any] = {
        "quota": quota.label,
        "traits": [list(trait) for trait in quota.traits],
        "from": {"minimum": quota.minimum, "maximum": quota.maximum},
        "to": {"minimum": change.minimum, "maximum": change.maximum},
        "in_words": change.in_words,
    }
    if quota.states_flex:
        told["flex"] = {
            "min_flex": quota.flexible_minimum,
            "max_flex": quota.flexible_maximum,
        }
    return told


def bad_file_document(*, error: InvalidPoolFile, objective: str, engine: str) -> dict[str, Any]:
    """What is wrong in a file, row by row."""
    return _failure(
        kind="invalid_file",
        message=str(error),
        objective=objective,
        engine=engine,
        details={
            "rows": [
                {
                    "file": row.file,
                    "row": row.row,
                    "column": row.column,
                    "value": row.value,
                    "code": str(row.code),
                    "message": row.message,
                }
                for row in error.errors
            ],
            "omitted": error.omitted,
        },
    )


def refusal_document(*, kind: str, message: str, objective: str, engine: str) -> dict[str, Any]:
    """Any other reason why there is no lottery, in a sentence."""
    return _failure(kind=kind, message=message, objective=objective, engine=engine, details={})


def _failure(
    *, kind: str, message: str, objective: str, engine: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "format": FORMAT,
        "engine": engine,
        "objective": objective,
        "error": {"kind": kind, "message": message, **details},
    }
    document["digest"] = digest_of(document)
    return document


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 (hexadecimal) of everything but NOT_DIGESTED."""
    told = {key: value for key, value in document.items() if key not in NOT_DIGESTED}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def as_text(document: Mapping[str, Any]) -> str:
    """The file's text: keys in order, one panel a line where it is long enough to read."""
    lines = []
    for key in sorted(document):
        value = document[key]
        if key in {"panels", "weights"}:
            rows = ",\n".join(f"  {json.dumps(row, allow_nan=False)}" for row in value)
            body = f"[\n{rows}\n ]"
        else:
            body = json.dumps(value, sort_keys=True, indent=1, allow_nan=False)
            body = body.replace("\n", "\n ")
        lines.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
