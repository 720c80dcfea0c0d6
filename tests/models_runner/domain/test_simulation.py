"""The invented pool and the demonstration study are whole and reproducible."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from models_runner.domain.simulation import PlanError, make_pool, read_plan

DEMO = Path(__file__).parents[3] / "fixtures" / "demo"
POOL_SEED = 2025


def _load(name: str) -> Any:
    return json.loads((DEMO / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["respondents", "categories", "population"])
def test_committed_pool_is_what_the_generator_makes(name: str) -> None:
    made = getattr(make_pool(seed=POOL_SEED), f"{name}_csv")()
    assert (DEMO / "pool" / f"{name}.csv").read_bytes() == made.encode("utf-8")


def test_pool_is_skewed_and_its_quotas_can_be_met() -> None:
    pool = make_pool(seed=POOL_SEED)
    people = pool.candidates
    assert [people[0].id, people[-1].id, len(people)] == ["p001", "p400", 400]
    for feature in pool.features:
        assert sum(feature.population) == pytest.approx(1)
    assert sum(p.traits["education"] == "degree" for p in people) / 400 > 0.45
    assert sum(p.traits["age"] == "65 or over" for p in people) / 400 > 0.29
    homes = Counter(p.household for p in people if p.household)
    assert sum(homes.values()) < 200  # blank for most
    assert max(homes.values()) >= 2
    rows = np.array([[p.traits[q.feature] == q.value for p in people] for q in pool.quotas], float)
    low = [q.minimum for q in pool.quotas]
    high = [q.maximum for q in pool.quotas]
    size = LinearConstraint(np.ones((1, 400)), 40, 40)
    found = milp(
        np.zeros(400),
        constraints=[LinearConstraint(rows, low, high), size],
        integrality=np.ones(400, dtype=np.int64),
        bounds=Bounds(0, 1),
    )
    assert found.success


def test_pool_refuses_a_jury_larger_than_itself() -> None:
    with pytest.raises(ValueError, match="40 can't be drawn from 30"):
        make_pool(seed=1, size=30)


def test_study_is_complete_and_repeats_nothing() -> None:
    study = _load("study.json")
    plan = read_plan(study=study, parameters=_load("simulation.json"))
    sources = [source["key"] for source in study["sources"]]
    assert len(plan.queries) == 12
    texts: list[str] = []
    for query in study["queries"]:
        assert [response["source"] for response in query["responses"]] == sources
        assert 3 <= len(query["options"]) <= 5
        assert 4 <= len(query["answers"]) <= 6
        texts += [query["text"], *(part["text"] for part in query["answers"])]
        texts += [response["text"] for response in query["responses"]]
        for response in query["responses"]:
            assert 80 <= len(response["text"].split()) <= 160
            assert set(response["labels"]) == {answer["key"] for answer in query["answers"]}
    assert len(set(texts)) == len(texts)


def test_plan_names_the_place_of_an_unknown_label() -> None:
    study = copy.deepcopy(_load("study.json"))
    study["queries"][0]["responses"][0]["labels"]["teach-it"] = "perhaps"
    with pytest.raises(PlanError, match=r"query phones, response of plain-1.*teach-it"):
        read_plan(study=study, parameters=_load("simulation.json"))
