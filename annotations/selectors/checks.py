"""Checks among a study's queries: what they ask for, and what jurors said on them.

A check is reported to a person and enters no result. An instructed query says which value to give
on each criterion; a repeated one is a copy of another query, with copies of its responses.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from annotations.domain.quality import (
    InstructedItems,
    SelfAgreement,
    instructed_items,
    self_agreement,
)
from annotations.domain.scales import OutsideScale, Scale, ScaleKind
from annotations.models import Criterion, Query, Rating, Study


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a juror said on checks, for a person to weigh.

    Attributes:
        instructed: how she answered items that say what to answer; None where she met none.
        repeated: by criterion, how she answered what was put to her twice.
    """

    instructed: InstructedItems | None
    repeated: tuple[tuple[str, SelfAgreement], ...]


def problem_of_expected(*, study: Study, expected: Mapping[str, float]) -> str:
    """Why a query can't ask for these values, by the criterion's key; empty where it can."""
    if not expected:
        return ""
    criteria = {criterion.key: criterion for criterion in study.criteria.all()}
    for key, value in expected.items():
        criterion = criteria.get(key)
        if criterion is None:
            known = ", ".join(criteria) or "none yet"
            return f"There is no criterion {key!r} to ask a value for; there are: {known}."
        try:
            _scale_of(criterion).check_value(value=value)
        except OutsideScale as problem:
            return f"{key}: {problem}"
    return ""


def _scale_of(criterion: Criterion) -> Scale:
    return Scale(
        kind=ScaleKind(criterion.scale_kind),
        low=criterion.low,
        high=criterion.high,
        step=criterion.step,
        allows_cant_say=False,
    )


def check_reports(*, study: Study, juror_ids: Collection[int]) -> dict[int, CheckReport]:
    """Reports for jurors who have rated something on a check, by their ids."""
    instructed = _instructed(study, juror_ids)
    repeated = _repeated(study, juror_ids)
    return {
        juror_id: CheckReport(
            instructed=instructed.get(juror_id), repeated=repeated.get(juror_id, ())
        )
        for juror_id in sorted({*instructed, *repeated})
    }


def _instructed(study: Study, juror_ids: Collection[int]) -> dict[int, InstructedItems]:
    """Every expected value on every response counts as an item. "Can't say" is another answer."""
    expected = dict(
        Query.objects.filter(study=study, check_kind=Query.Check.INSTRUCTED).values_list(
            "pk", "expected"
        )
    )
    if not expected:
        return {}
    given: dict[int, list[tuple[float, float]]] = defaultdict(list)
    rows = Rating.objects.filter(
        response__query__in=expected, juror_id__in=juror_ids, is_current=True
    ).order_by("response__query__ordinal", "response_id", "criterion_id")
    for juror_id, query_id, key, value in rows.values_list(
        "juror_id", "response__query_id", "criterion__key", "value"
    ):
        if key in expected[query_id]:
            said = np.nan if value is None else value
            given[juror_id].append((said, float(expected[query_id][key])))
    return {
        juror_id: instructed_items(
            values=[value for value, _ in pairs], wanted=[wanted for _, wanted in pairs]
        )
        for juror_id, pairs in given.items()
    }


def _repeated(
    study: Study, juror_ids: Collection[int]
) -> dict[int, tuple[tuple[str, SelfAgreement], ...]]:
    """Ratings of a copy beside those of the original, paired by the response's own id."""
    original_of = dict(
        Query.objects.filter(study=study, repeats__isnull=False).values_list("pk", "repeats_id")
    )
    if not original_of:
        return {}
    said: dict[tuple[int, int, str, int], float] = {}
    rows = Rating.objects.filter(
        response__query__in={*original_of, *original_of.values()},
        juror_id__in=juror_ids,
        is_current=True,
    ).order_by("response__query__ordinal", "response_id")
    names: dict[int, str] = {}
    for juror_id, query_id, response, criterion_id, name, value in rows.values_list(
        "juror_id", "response__query_id", "response__external_id", "criterion_id",
        "criterion__name", "value",
    ):  # fmt: skip
        names[criterion_id] = name
        said[juror_id, query_id, response, criterion_id] = np.nan if value is None else value
    pairs: dict[int, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for (juror_id, query_id, response, criterion_id), second in said.items():
        original = original_of.get(query_id)
        if original is None:
            continue
        first = said.get((juror_id, original, response, criterion_id))
        if first is not None:
            pairs[juror_id][criterion_id].append((first, second))
    return {
        juror_id: tuple(
            (
                names[criterion_id],
                self_agreement(
                    first=[first for first, _ in both], second=[second for _, second in both]
                ),
            )
            for criterion_id, both in sorted(by_criterion.items())
        )
        for juror_id, by_criterion in pairs.items()
    }
