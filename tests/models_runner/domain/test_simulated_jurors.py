"""Simulated jurors: reproducible, legal on every scale, and divided enough to be worth showing."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models_runner.domain.simulation import (
    PlanError,
    SimulatedJuror,
    StudyPlan,
    read_plan,
    simulate_jurors,
)

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "fixtures" / "demo"


@pytest.fixture(scope="module")
def plan() -> StudyPlan:
    return read_plan(
        study=json.loads((DEMO / "study.json").read_text()),
        parameters=json.loads((DEMO / "simulation.json").read_text()),
    )


@pytest.fixture(scope="module")
def traits() -> dict[str, dict[str, str]]:
    with (DEMO / "pool" / "respondents.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::7][:50]
    return {
        row["id"]: {k: v for k, v in row.items() if k not in ("id", "email", "household")}
        for row in rows
    }


@pytest.fixture(scope="module")
def jurors(plan: StudyPlan, traits: dict[str, dict[str, str]]) -> tuple[SimulatedJuror, ...]:
    return simulate_jurors(plan=plan, traits=traits, seed=4)


def test_the_same_seed_gives_the_same_answers(
    plan: StudyPlan, traits: dict[str, dict[str, str]], jurors: tuple[SimulatedJuror, ...]
) -> None:
    assert simulate_jurors(plan=plan, traits=traits, seed=4) == jurors
    assert simulate_jurors(plan=plan, traits=traits, seed=5) != jurors


def test_a_juror_says_the_same_in_any_company(
    plan: StudyPlan, traits: dict[str, dict[str, str]], jurors: tuple[SimulatedJuror, ...]
) -> None:
    key = list(traits)[17]
    (alone,) = simulate_jurors(plan=plan, traits={key: traits[key]}, seed=4)
    assert alone == jurors[17]


def test_no_hash_seed_changes_them() -> None:
    code = (
        "import json,pathlib,hashlib;from models_runner.domain.simulation import *;"
        f"d=pathlib.Path({str(DEMO)!r});"
        "p=read_plan(study=json.loads((d/'study.json').read_text()),"
        "parameters=json.loads((d/'simulation.json').read_text()));"
        "t={str(i):{'outlook':o} for i,o in enumerate(('change','middle','tradition'))};"
        "print(hashlib.sha256(repr(simulate_jurors(plan=p,traits=t,seed=1)).encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_every_value_is_legal(plan: StudyPlan, jurors: tuple[SimulatedJuror, ...]) -> None:
    scales = {criterion.key: criterion for criterion in plan.criteria}
    queries = {query.key: query for query in plan.queries}
    for juror in jurors:
        for reply in juror.replies:
            query = queries[reply.query]
            assert reply.option in {option.key for option in query.options}
            assert len(reply.ratings) == len(plan.criteria) * len(query.responses)
            assert {own.answer for own in reply.judgements} == {a.key for a in query.answers}
            assert len(reply.labels) == len(query.responses) * len(query.answers)
            assert reply.opinion.strip()
            assert 5_000 < reply.active_ms < 20 * 60_000
            for rating in reply.ratings:
                if rating.value is not None:
                    scale = scales[rating.criterion]
                    assert scale.low <= rating.value <= scale.high
                    steps = (rating.value - scale.low) / scale.step
                    assert steps == pytest.approx(round(steps))


def test_nobody_holds_what_she_finds_unreasonable(jurors: tuple[SimulatedJuror, ...]) -> None:
    judged = [own for j in jurors for reply in j.replies for own in reply.judgements]
    assert not [own for own in judged if own.holds and own.verdict == "unreasonable"]
    counts = Counter(own.verdict for own in judged)
    assert min(counts[verdict] for verdict in ("correct", "reasonable", "unreasonable")) > 100


def test_the_preferred_response_is_the_better_rated(jurors: tuple[SimulatedJuror, ...]) -> None:
    agree = Counter[bool]()
    for juror in jurors:
        for reply in juror.replies:
            mean = {
                source: np.mean(
                    [r.value for r in reply.ratings if r.source == source and r.value is not None]
                    or [np.nan]
                )
                for source in {r.source for r in reply.ratings}
            }
            for own in reply.preferences:
                if own.verdict in ("left", "right") and mean[own.left] != mean[own.right]:
                    agree[(mean[own.left] > mean[own.right]) == (own.verdict == "left")] += 1
    assert agree[True] / agree.total() > 0.7


def test_labels_err_at_the_declared_rate(
    plan: StudyPlan, jurors: tuple[SimulatedJuror, ...]
) -> None:
    author = {
        (query.key, response.source, answer): label
        for query in plan.queries
        for response in query.responses
        for answer, label in response.labels.items()
    }
    wrong = [
        author[reply.query, own.source, own.answer] != own.label
        for juror in jurors
        for reply in juror.replies
        for own in reply.labels
    ]
    assert np.mean(wrong) == pytest.approx(plan.label_error_rate, abs=0.02)


def _utilities(plan: StudyPlan, jurors: Any, criterion: str, source: str) -> Any:
    scale = next(item for item in plan.criteria if item.key == criterion)
    values = np.array(
        [
            [
                rating.value if rating.value is not None else np.nan
                for reply in juror.replies
                for rating in reply.ratings
                if rating.criterion == criterion and rating.source == source
            ]
            for juror in jurors
        ],
        dtype=float,
    )
    return 0.01 + 0.99 * (values - scale.low) / (scale.high - scale.low)


def test_who_wins_depends_on_how_much_the_worst_off_count(
    plan: StudyPlan, jurors: tuple[SimulatedJuror, ...]
) -> None:
    plain = _utilities(plan, jurors, "helpfulness", "plain-1")
    balanced = _utilities(plan, jurors, "helpfulness", "balanced-2")
    assert np.nanmean(plain) > np.nanmean(balanced)

    def inequality_averse(utilities: Any) -> float:
        return float(np.mean(np.nanmean(utilities**-3, axis=0) ** (-1 / 3)))

    assert inequality_averse(plain) < inequality_averse(balanced)


def test_jurors_disagree_but_not_at_random(
    plan: StudyPlan, jurors: tuple[SimulatedJuror, ...]
) -> None:
    scale = next(item for item in plan.criteria if item.key == "helpfulness")
    sources = [response.source for response in plan.queries[0].responses]
    values = np.concatenate(
        [_utilities(plan, jurors, scale.key, source) for source in sources], axis=1
    )
    within = np.nanmean(np.nanvar(values, axis=0, ddof=1))
    share = 1 - within / np.nanvar(values, ddof=1)  # Krippendorff's interval α, nearly
    assert 0.2 < share < 0.5


def test_missing_queries_are_left_out(plan: StudyPlan, traits: dict[str, dict[str, str]]) -> None:
    jurors = simulate_jurors(plan=plan, traits=traits, seed=1, missing_rate=0.5)
    kept = sum(len(juror.replies) for juror in jurors) / (len(jurors) * len(plan.queries))
    assert kept == pytest.approx(0.5, abs=0.07)


def test_bad_input_is_named(plan: StudyPlan) -> None:
    with pytest.raises(PlanError, match=r"missing_rate is 1\.5"):
        simulate_jurors(plan=plan, traits={}, seed=1, missing_rate=1.5)
    with pytest.raises(PlanError, match="juror x: outlook is 'sideways'"):
        simulate_jurors(plan=plan, traits={"x": {"outlook": "sideways"}}, seed=1)
