"""What a query teaches about a juror: by brute force, by axiom, and what is refused."""

from time import perf_counter

import numpy as np
import pytest

from models_runner.domain.next_item import ItemPlan, expected_minutes, make_plan


def plan_of(*, queries: int, each: int = 2, width: int = 3, seed: int = 0) -> ItemPlan:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((queries, each, width))
    flat = rows.reshape(-1, width)
    return ItemPlan(
        query_ids=np.arange(10, 10 + queries),
        rows=rows,
        aim=flat.T @ flat / len(flat),
        variances=np.linspace(0.2, 1, width),
        noise=0.5,
        minutes=np.linspace(0.5, 2, queries),
    )


def variance_left(plan: ItemPlan, had: list[int]) -> float:
    """Mean predictive variance over all items after some queries, by inverting anew."""
    precision = np.diag(1 / plan.variances)
    for query in had:
        rows = plan.rows[query - 10]
        precision += rows.T @ rows / plan.noise
    return float(np.trace(plan.aim @ np.linalg.inv(precision)))


def test_gains_are_the_fall_of_the_variance_per_minute() -> None:
    plan = plan_of(queries=8)
    for had in ([], [12], [12, 15, 10]):
        candidates = [query for query in range(10, 18) if query not in had]
        before = variance_left(plan, had)
        expected = [
            (before - variance_left(plan, [*had, query])) / plan.minutes[query - 10]
            for query in candidates
        ]
        np.testing.assert_allclose(plan.gains(had=had, candidates=candidates), expected)


def test_what_was_seen_teaches_less_and_the_unknown_nothing() -> None:
    plan = plan_of(queries=5)
    fresh, seen = plan.gains(had=[], candidates=[11, 999]), plan.gains(had=[11], candidates=[11])
    assert seen[0] < fresh[0]
    assert fresh[1] == 0
    assert plan.gains(had=[999, 5], candidates=[11])[0] == pytest.approx(fresh[0])


def test_a_plan_survives_its_file() -> None:
    plan = plan_of(queries=4)
    again = ItemPlan.from_bytes(plan.to_bytes())
    assert (
        again.gains(had=[10], candidates=[11, 12]).tolist()
        == plan.gains(had=[10], candidates=[11, 12]).tolist()
    )


def test_a_thousand_queries_take_milliseconds() -> None:
    plan = plan_of(queries=1000, each=2, width=17)
    candidates, had = list(range(10, 1010)), list(range(10, 60))
    plan.gains(had=had, candidates=candidates)
    took = []
    for _ in range(5):
        start = perf_counter()
        plan.gains(had=had, candidates=candidates)
        took.append(perf_counter() - start)
    assert min(took) < 0.05, "10 ms on a quiet machine"


def test_a_plan_finds_along_what_jurors_differ() -> None:
    rng = np.random.default_rng(3)
    items, people = 60, 80
    coordinates = rng.standard_normal((items, 2))
    tastes = rng.normal(0, [0.8, 0.8], (people, 2))
    offsets = rng.normal(0, 0.1, people)
    jurors, places = np.repeat(np.arange(people), 30), rng.integers(0, items, people * 30)
    residuals = (
        offsets[jurors]
        + (coordinates[places] * tastes[jurors]).sum(axis=1)
        + rng.normal(0, 0.5, len(places))
    )
    plan = make_plan(
        coordinates=coordinates,
        query_ids=np.repeat(np.arange(items // 2), 2),
        items=places,
        jurors=jurors,
        residuals=residuals,
        juror_count=people,
        minutes=np.ones(items // 2),
    )
    assert plan.rows.shape == (30, 2, 3)
    assert plan.noise == pytest.approx(0.25, rel=0.15)
    assert plan.variances[0] < 0.1 < plan.variances[1]
    far = np.linalg.norm(coordinates.reshape(30, 2, 2), axis=2).max(axis=1)
    gains = plan.gains(had=[], candidates=list(range(30)))
    assert far[np.argsort(gains)[-5:]].mean() > far.mean(), "extreme items tell tastes apart"


def test_plans_without_ratings_or_time_are_refused() -> None:
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="0 ratings of 2 items"):
        make_plan(
            coordinates=np.zeros((2, 1)),
            query_ids=np.array([1, 2]),
            items=empty,
            jurors=empty,
            residuals=np.zeros(0),
            juror_count=3,
            minutes=np.ones(2),
        )


def test_minutes_are_the_medians_of_those_as_long() -> None:
    lengths = np.array([100, 110, 120, 2000, 2100, 2200, 4000, 4100, 9000, 9100])
    reading = expected_minutes(lengths=lengths, done=np.array([0]), spent=np.array([5.0]))
    assert reading[0] == pytest.approx(100 / 6 / 200 + 1 / 3)
    done = np.array([0] * 5 + [9] * 5 + [4])
    spent = np.array([1.0, 1, 1, 1, 50, 4, 4, 4, 4, 4, 0.0])
    minutes = expected_minutes(lengths=lengths, done=done, spent=spent)
    assert minutes[:3].tolist() == [1, 1, 1]
    assert minutes[-2:].tolist() == [4, 4]
    assert minutes[5] == 4, "too few times of that length: the median of all"
