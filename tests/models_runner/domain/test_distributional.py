"""Whole comparisons: controls, tables, intervals, models before and after, published data."""

import json
from itertools import permutations
from math import inf, isinf
from pathlib import Path

import numpy as np
import pytest

from models_runner.domain.distributional.alignment import compare_alignment
from models_runner.domain.distributional.comparison import (
    Comparison,
    ComparisonPlan,
    MeasureName,
    compare_tables,
)
from models_runner.domain.distributional.controls import (
    label_orders,
    noise_floor_nats,
    shuffled_distance,
)
from models_runner.domain.distributional.divergences import (
    Base,
    js_distance,
    js_divergence,
    total_variation,
    unnormalised_total_variation,
)
from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.distributional.resampling import questions_alone, resampled_shares
from models_runner.domain.distributional.stored_answers import (
    StoredAnswers,
    join_stored_answers,
    parse_stored_answers,
)
from models_runner.domain.distributional.table import AnswerTable, answer_table, match_tables

P, Q = [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]
PLAN = ComparisonPlan(bootstraps=200)


class TestControls:
    def test_published_number(self) -> None:
        assert shuffled_distance(P, Q, seed=0) == pytest.approx(0.342879, abs=5e-7)

    def test_all_orders_by_hand(self) -> None:
        by_hand = [
            js_distance(P, [Q[i] for i in o], base=Base.BITS) for o in permutations(range(3))
        ]
        assert shuffled_distance(P, Q, seed=0) == pytest.approx(np.mean(by_hand))

    def test_more_options_are_drawn_from_the_seed(self) -> None:
        rng = np.random.default_rng(0)
        human, model = rng.dirichlet(np.ones(7), size=2)
        one = shuffled_distance(human, model, seed=1)
        assert one == shuffled_distance(human, model, seed=1)
        assert one != shuffled_distance(human, model, seed=2)
        exact = np.mean(
            js_distance(human, model[np.array(list(permutations(range(7))))], base=Base.BITS)
        )
        assert one == pytest.approx(exact, abs=0.02)
        assert label_orders(options=7, seed=1).shape == (200, 7)

    def test_a_flat_model_has_nothing_to_shuffle(self) -> None:
        flat = [1 / 3] * 3
        assert shuffled_distance(P, flat, seed=0) == pytest.approx(
            js_distance(P, flat, base=Base.BITS)
        )

    def test_no_draws_are_refused(self) -> None:
        with pytest.raises(InvalidDistribution, match="draws is 0"):
            shuffled_distance(P, Q, seed=0, draws=0)

    def test_the_noise_floor_is_what_sampling_gives(self) -> None:
        rng = np.random.default_rng(3)
        first = rng.multinomial(400, P, size=4000) / 400
        second = rng.multinomial(200, P, size=4000) / 200
        seen = js_divergence(first, second, base=Base.NATS).mean()
        assert noise_floor_nats(options=3, n1=400, n2=200) == pytest.approx(seen, rel=0.06)
        assert noise_floor_nats(options=5, n1=100, n2=inf) == pytest.approx(0.005)

    def test_nobody_gives_no_floor(self) -> None:
        with pytest.raises(InvalidDistribution, match="at least one"):
            noise_floor_nats(options=3, n1=0, n2=1)


def table(answers: dict[str, dict[str, float]], *, counts: bool = False) -> AnswerTable:
    return answer_table(answers, name="people", counts=counts)


class TestTables:
    def test_options_may_stand_in_any_order(self) -> None:
        human = table({"one": {"yes": 3, "no": 1}, "two": {"a": 1, "b": 1, "c": 2}}, counts=True)
        model = table({"two": {"c": 0.6, "b": 0.3, "a": 0.1}, "one": {"no": 0.2, "yes": 0.8}})
        matched = match_tables(human=human, model=model)
        assert matched.model.questions == ("one", "two")
        expected = [[0.8, 0.2, 0.0], [0.1, 0.3, 0.6]]
        assert matched.model.probabilities == pytest.approx(np.array(expected))
        assert matched.human.respondents.tolist() == [4, 4]

    def test_other_options_are_named_on_both_sides(self) -> None:
        with pytest.raises(InvalidDistribution, match=r"Only people have: 'no'.*has: 'nay'"):
            match_tables(
                human=table({"q": {"yes": 0.5, "no": 0.5}}),
                model=table({"q": {"yes": 0.5, "nay": 0.5}}),
            )

    def test_other_questions_are_named_or_left_out_on_request(self) -> None:
        human = table({"q": {"a": 1, "b": 0}, "r": {"a": 1, "b": 0}})
        model = table({"q": {"a": 1, "b": 0}, "s": {"a": 1, "b": 0}})
        with pytest.raises(InvalidDistribution, match=r"people answered: 'r'.*answered: 's'"):
            match_tables(human=human, model=model)
        matched = match_tables(human=human, model=model, common_only=True)
        assert (matched.human.questions, matched.only_human, matched.only_model) == (
            ("q",),
            ("r",),
            ("s",),
        )
        with pytest.raises(InvalidDistribution, match="no question in common"):
            match_tables(human=human, model=table({"z": {"a": 1, "b": 0}}), common_only=True)

    def test_bad_numbers_name_their_question(self) -> None:
        with pytest.raises(InvalidDistribution, match=r"question 'q'.*add up to 0.9"):
            table({"q": {"a": 0.5, "b": 0.4}})
        with pytest.raises(InvalidDistribution, match="no questions"):
            table({})
        with pytest.raises(InvalidDistribution, match="0 respondents"):
            answer_table({"q": {"a": 1}}, name="people", counts=False, respondents=0)


def survey(questions: int = 30, people: int = 200, seed: int = 0) -> Comparison:
    rng = np.random.default_rng(seed)
    human = {
        f"q{i}": dict(
            zip("abc", rng.multinomial(people, rng.dirichlet([2, 2, 2])) + 1, strict=True)
        )
        for i in range(questions)
    }
    model = {
        f"q{i}": dict(zip("abc", rng.dirichlet([1, 1, 1]), strict=True)) for i in range(questions)
    }
    tables = match_tables(human=table(human, counts=True), model=table(model))
    return compare_tables(tables=tables, plan=PLAN, codes=np.tile([1.0, 2, 3], (questions, 1)))


class TestComparison:
    def test_means_are_those_of_the_functions(self) -> None:
        tables = match_tables(
            human=table({"q": dict(zip("abc", P, strict=True))}),
            model=table({"q": dict(zip("abc", Q, strict=True))}),
        )
        found = compare_tables(tables=tables, plan=PLAN, codes=[[1, 2, 3]])
        expected = {
            MeasureName.JS_DISTANCE_BITS: 0.467294,
            MeasureName.JS_DISTANCE_NATS: 0.389048,
            MeasureName.JS_DIVERGENCE_BITS: 0.218364,
            MeasureName.JS_DIVERGENCE_NATS: 0.151358,
            MeasureName.KL_HUMAN_MODEL: 0.675806,
            MeasureName.TOTAL_VARIATION: 0.5,
            MeasureName.WASSERSTEIN: 0.9,
            MeasureName.WASSERSTEIN_NORMALISED: 0.45,
            MeasureName.REPRESENTATIVENESS: 0.55,
            MeasureName.MODE_ACCURACY: 0,
            MeasureName.ENTROPY_HUMAN: 1.029653,
            MeasureName.SHUFFLED: 0.342879,
        }
        for name, value in expected.items():
            assert found.measure(name).mean == pytest.approx(value, abs=5e-7), name

    def test_what_cannot_be_computed_has_its_reason(self) -> None:
        tables = match_tables(
            human=table({"q": {"a": 0.5, "b": 0.5}, "r": {"a": 1, "b": 0}}),
            model=table({"q": {"a": 1, "b": 0}, "r": {"a": 1, "b": 0}}),
        )
        found = compare_tables(tables=tables, plan=PLAN, codes=np.array([[1, 2], [np.nan] * 2]))
        moved = found.measure(MeasureName.WASSERSTEIN)
        assert moved.values[0] == 0.5
        assert moved.reasons[0] == ""
        assert "no order" in moved.reasons[1]
        floor = found.measure(MeasureName.NOISE_FLOOR)
        assert floor.mean is None
        assert "not known" in floor.reason
        kl = found.measure(MeasureName.KL_HUMAN_MODEL)
        assert kl.mean is not None
        assert isinf(kl.mean)
        assert kl.infinite == 1
        assert kl.intervals is None
        assert found.measure(MeasureName.KL_MODEL_HUMAN).mean == pytest.approx(np.log(2) / 2)

    def test_the_same_seed_gives_the_same_numbers(self) -> None:
        one, two = survey(), survey()
        for first, second in zip(one.measures, two.measures, strict=True):
            assert first.intervals == second.intervals

    def test_intervals_lie_around_the_mean_and_both_is_wider(self) -> None:
        found = survey().measure(MeasureName.JS_DISTANCE_BITS)
        assert found.intervals is not None
        both, people = found.intervals.over_both, found.intervals.over_respondents
        assert None not in (both.low, both.high, people.low, people.high)
        assert both.low < people.low < found.mean < people.high < both.high  # type: ignore[operator]
        assert found.intervals.bias is not None
        assert found.intervals.bias > 0

    def test_codes_must_fit(self) -> None:
        tables = match_tables(
            human=table({"q": {"a": 1, "b": 0}, "r": {"a": 1, "b": 0, "c": 0}}),
            model=table({"q": {"a": 1, "b": 0}, "r": {"a": 1, "b": 0, "c": 0}}),
        )
        with pytest.raises(InvalidDistribution, match="must be"):
            compare_tables(tables=tables, plan=PLAN, codes=[[1, 2]])
        with pytest.raises(InvalidDistribution, match="does not have"):
            compare_tables(tables=tables, plan=PLAN, codes=[[1, 2, 3], [1, 2, 3]])


class TestResampling:
    def test_resampled_people_are_as_many(self) -> None:
        shares = np.array([P, Q])
        drawn = resampled_shares(
            shares=shares,
            respondents=np.array([10.0, np.nan]),
            rng=np.random.default_rng(0),
            copies=500,
        )
        assert np.allclose(drawn[:, 0] * 10, np.rint(drawn[:, 0] * 10))
        assert drawn[:, 0].mean(axis=0) == pytest.approx(P, abs=0.03)
        assert (drawn[:, 1] == Q).all()

    def test_the_interval_over_questions_covers(self) -> None:
        rng = np.random.default_rng(11)
        held = 0
        for _ in range(200):
            found = questions_alone(
                observed=rng.exponential(size=60),
                reason="none were asked",
                rng=rng,
                bootstraps=300,
            ).over_both
            assert found.low is not None
            assert found.high is not None
            held += found.low <= 1 <= found.high
        assert 176 <= held <= 198

    def test_without_values_or_with_one_question(self) -> None:
        rng = np.random.default_rng(0)
        none = questions_alone(
            observed=np.array([np.nan]), reason="none were asked", rng=rng, bootstraps=5
        )
        assert none.over_both.value is None
        one = questions_alone(
            observed=np.array([0.5]), reason="none were asked", rng=rng, bootstraps=5
        )
        assert one.over_both.low is None
        assert one.over_respondents.reason == "none were asked"
        assert "One question" in one.over_both.reason


class TestAlignment:
    def test_before_and_after(self) -> None:
        human = {f"q{i}": {"a": 60.0 + i, "b": 40.0 - i} for i in range(20)}
        wide = {f"q{i}": {"a": 0.6, "b": 0.4} for i in range(20)}
        narrow = {f"q{i}": {"a": 0.99, "b": 0.01} for i in range(20)}
        before, after = (
            compare_tables(
                tables=match_tables(human=table(human, counts=True), model=table(model)), plan=PLAN
            )
            for model in (wide, narrow)
        )
        found = compare_alignment(before=before, after=after, seed=1, bootstraps=200)
        distance, entropies, _ = found.rows
        assert distance.measure is MeasureName.JS_DISTANCE_BITS
        assert distance.difference.low is not None
        assert distance.difference.low > 0
        assert entropies.difference.value is not None
        assert entropies.difference.value < -0.5
        assert found.before_entropies.shape == (20,)
        with pytest.raises(InvalidDistribution, match="in another order"):
            compare_alignment(before=before, after=survey(), seed=1)


class TestStoredAnswers:
    def test_a_file_is_read(self) -> None:
        content = b"""{"Q": {"expected_results": {"A": 0.4, "B": 0.6},
            "avg_actual_results": {"B": 0.5, "A": 0.0}},
            "R": {"expected_results": {"A": 0.4, "B": 0.3, "C": 0.3},
            "avg_actual_results": {"A": 0, "B": 0, "C": 0}}}"""
        found = parse_stored_answers(content, file="x.json")
        assert found.letter_mass.tolist() == [0.5, 0]
        people, model = found.distributions()
        assert people.tolist() == [[0.4, 0.6, 0]]
        assert model.tolist() == [[0, 1, 0]]
        joined = join_stored_answers([found, found])
        assert joined.questions == ("Q", "R", "Q", "R")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"{", "no JSON"),
            (b"[]", "object of questions"),
            (b'{"Q": {}}', "question 'Q' needs"),
            (
                b'{"Q": {"expected_results": {"A": 1}, "avg_actual_results": {"B": 1}}}',
                r"\['A'\].*\['B'\]",
            ),
            (
                b'{"Q": {"expected_results": {"A": 1}, "avg_actual_results": {"A": 2}}}',
                "masses",
            ),
            (
                b'{"Q": {"expected_results": {"A": 0.5}, "avg_actual_results": {"A": 1}}}',
                "add up to 0.5",
            ),
        ],
    )
    def test_other_files_are_refused(self, content: bytes, words: str) -> None:
        with pytest.raises(InvalidDistribution, match=words):
            parse_stored_answers(content, file="x.json")


def stored(folder: Path, model: str) -> StoredAnswers:
    files = sorted((folder / model / "task1" / "globalvalues").glob("*.json"))
    return join_stored_answers(
        [parse_stored_answers(file.read_bytes(), file=file.name) for file in files]
    )


class TestPublishedData:
    """GlobalValues by log-probabilities: 100 questions of three countries each."""

    @pytest.mark.parametrize(
        ("model", "variation", "distance", "silent"),
        [
            ("gpt-4", 0.508, 0.546, 0),
            ("gpt-3.5-turbo-0125", 0.446, 0.452, 0),
            ("llama3-70b", 0.462, 0.596, 4),
        ],
    )
    def test_large_models(
        self, shared_data: Path, model: str, variation: float, distance: float, silent: int
    ) -> None:
        folder = shared_data / "dist_align" / "results_globalvalues" / "model_logprobs"
        if not folder.is_dir():
            pytest.skip(f"stored answers of large models are not here: {folder}")
        answers = stored(folder, model)
        assert len(answers.questions) == 300
        published = unnormalised_total_variation(answers.human, answers.mass).mean()
        assert published == pytest.approx(variation, abs=0.003)
        human, machine = answers.distributions()
        assert 300 - len(human) == silent
        assert js_distance(human, machine, base=Base.BITS).mean() == pytest.approx(
            distance, abs=0.0006
        )
        # What goes to no letter makes the published number too kind.
        assert total_variation(human, machine).mean() >= published - 1e-4

    def test_two_countries(self, shared_data: Path) -> None:
        file = (
            shared_data
            / "globalopinionqa_subset"
            / "distributional_test_globalopinionqa_small.json"
        )
        if not file.is_file():
            pytest.skip(f"answers by country are not here: {file}")
        rows = json.loads(file.read_text())
        countries = {
            country: answer_table(
                {
                    row["question"]: dict(
                        zip(row["options"], row["gold_distribution"], strict=True)
                    )
                    for row in rows
                    if row["attribute"] == country
                },
                name=country,
                counts=False,
                sum_within=0.01,
            )
            for country in ("United States", "Japan")
        }
        found = match_tables(
            human=countries["United States"], model=countries["Japan"], common_only=True
        )
        assert len(found.human.questions) == 17
        distance = js_distance(found.human.probabilities, found.model.probabilities, base=Base.BITS)
        assert distance.mean() == pytest.approx(0.224, abs=0.0005)
