"""From letters, completions and stated numbers to distributions."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.completions import parse_completion, read_completions
from models_runner.domain.elicitation.letters import InvalidLetters, distribution_from_letters
from models_runner.domain.elicitation.orders import (
    InvalidOrders,
    average_over_orders,
    option_orders,
)
from models_runner.domain.elicitation.prompts import (
    WORKED_QUESTIONS,
    InvalidPrompt,
    letter_prompts,
    worked_answers,
)
from models_runner.domain.elicitation.stated import read_stated_distribution

TEXT, CODE = ElicitationMode.LETTERS_TEXT, ElicitationMode.LETTERS_PAPER_CODE
QUICK = settings(max_examples=60, deadline=None)
SILENT = float("-inf")
OPTIONS = ("Very satisfied", "Somewhat satisfied", "Dissatisfied", "Don't know")
scores = arrays(np.float64, (3, 4, 2), elements=st.floats(-8, 8))


class TestLetters:
    def test_the_papers_text_by_hand(self) -> None:
        # Two prompts, each letter written one way: .8 to .2, then .4 to .6.
        found = distribution_from_letters(
            np.log([[[0.4], [0.1]], [[0.2], [0.3]]]), mode=TEXT, are_log_probabilities=True
        )
        assert found.probabilities == pytest.approx(np.array([0.6, 0.4]))
        assert found.by_prompt == pytest.approx(np.array([[0.8, 0.2], [0.4, 0.6]]))
        assert found.letter_mass == pytest.approx(np.array([0.5, 0.5]))
        assert found.spread == pytest.approx(0.2)

    def test_the_papers_code_by_hand(self) -> None:
        logits = np.array([[[1.0, 3.0], [0.0, 0.0]], [[3.0, 1.0], [0.0, 2.0]]])
        found = distribution_from_letters(logits, mode=CODE, are_log_probabilities=False)
        # means over prompts (2, 2) and (0, 1), summed over the two ways: 4 and 1
        assert found.probabilities == pytest.approx(softmax([4.0, 1.0]))
        assert found.letter_mass is None

    def test_ways_to_write_a_letter_add_up(self) -> None:
        found = distribution_from_letters(
            np.log([[[0.1, 0.3], [0.2, 0.2]]]), mode=TEXT, are_log_probabilities=True
        )
        assert found.probabilities == pytest.approx(np.array([0.5, 0.5]))

    def test_a_letter_that_was_not_returned_has_nothing(self) -> None:
        found = distribution_from_letters(
            [[[-1.0], [SILENT]], [[SILENT], [SILENT]]], mode=TEXT, are_log_probabilities=True
        )
        assert found.probabilities is not None
        assert found.probabilities.tolist() == [1, 0]
        assert found.silent_prompts == 1
        assert np.isnan(found.by_prompt[1]).all()
        assert found.letter_mass is not None
        assert found.letter_mass[1] == 0

    def test_a_model_that_says_no_letter_has_no_distribution(self) -> None:
        found = distribution_from_letters(
            [[[SILENT], [SILENT]]], mode=TEXT, are_log_probabilities=True
        )
        assert found.probabilities is None
        assert "No letter" in found.reason

    @pytest.mark.parametrize(
        ("values", "mode", "normalised", "words"),
        [
            ([[[0.0], [float("nan")]]], TEXT, False, "Prompt 1, option 2 has nan"),
            ([[[0.0], [float("inf")]]], TEXT, False, "has inf"),
            ([[[0.0], [0.0]]], TEXT, True, "prompt 1 add up to a probability of 2"),
            ([[[0.0], [SILENT]]], CODE, False, "option 2 has no finite number"),
            ([[[0.0], [0.0]]], ElicitationMode.SAMPLED, False, "does not read letters"),
            ([[[0.0]]], TEXT, False, "at least two options"),
            ([0.0, 1.0], TEXT, False, "shape"),
        ],
    )
    def test_what_gives_no_distribution_is_refused(
        self, values: list[object], mode: ElicitationMode, normalised: bool, words: str
    ) -> None:
        with pytest.raises(InvalidLetters, match=words):
            distribution_from_letters(
                values,  # type: ignore[arg-type]
                mode=mode,
                are_log_probabilities=normalised,
            )

    @given(scores, st.floats(-20, 20))
    @QUICK
    def test_laws(self, values: np.ndarray, shift: float) -> None:
        for mode in (TEXT, CODE):
            found = distribution_from_letters(values, mode=mode, are_log_probabilities=False)
            moved = values.copy()
            moved[1] += shift  # another normaliser of one prompt's logits
            again = distribution_from_letters(moved, mode=mode, are_log_probabilities=False)
            assert found.probabilities is not None
            assert found.probabilities.sum() == pytest.approx(1)
            assert again.probabilities == pytest.approx(found.probabilities, abs=1e-9)
            order = [2, 0, 3, 1]
            turned = distribution_from_letters(
                values[:, order], mode=mode, are_log_probabilities=False
            )
            assert turned.probabilities == pytest.approx(found.probabilities[order], abs=1e-12)

    @given(arrays(np.float64, (5, 4), elements=st.floats(-8, 8)))
    @QUICK
    def test_the_papers_code_is_sharper(self, values: np.ndarray) -> None:
        both_ways = np.repeat(values[:, :, None], 2, axis=2)
        same = np.repeat(both_ways[:1], 5, axis=0)  # prompts that agree
        text = distribution_from_letters(same, mode=TEXT, are_log_probabilities=False)
        code = distribution_from_letters(same, mode=CODE, are_log_probabilities=False)
        assert text.probabilities is not None
        assert code.probabilities is not None
        assert code.probabilities.max() >= text.probabilities.max() - 1e-12


class TestOrders:
    def test_each_option_stands_everywhere_equally_often(self) -> None:
        orders = option_orders(options=4, count=8, seed=3)
        assert len({tuple(o) for o in orders.tolist()}) == 8
        for place in range(4):
            assert sorted(Counter(orders[:, place].tolist()).values()) == [2] * 4
        assert (orders == option_orders(options=4, count=8, seed=3)).all()
        assert (orders != option_orders(options=4, count=8, seed=4)).any()

    def test_all_orders(self) -> None:
        assert len({tuple(o) for o in option_orders(options=3, count=6, seed=0).tolist()}) == 6
        with pytest.raises(
            InvalidOrders, match="7 orders of 3 options were asked for; there are 6"
        ):
            option_orders(options=3, count=7, seed=0)

    def test_a_taste_for_the_first_place_is_averaged_away(self) -> None:
        orders = option_orders(options=3, count=3, seed=0)
        found = average_over_orders([[0.6, 0.2, 0.2]] * 3, orders=orders)
        assert found.probabilities == pytest.approx(np.full(3, 1 / 3))
        assert found.by_position == pytest.approx(np.array([0.6, 0.2, 0.2]))
        assert found.sensitivity == pytest.approx(0.4)

    def test_a_model_without_such_a_taste_is_not_sensitive(self) -> None:
        truth = np.array([0.5, 0.3, 0.2])
        orders = option_orders(options=3, count=6, seed=0)
        found = average_over_orders(truth[orders], orders=orders)
        assert found.probabilities == pytest.approx(truth)
        assert found.sensitivity == pytest.approx(0)
        assert average_over_orders([truth], orders=[[0, 1, 2]]).sensitivity is None

    @pytest.mark.parametrize(
        ("values", "orders", "words"),
        [
            ([[0.5, 0.5]], [[0, 0]], "once"),
            ([[0.5, 0.4]], [[0, 1]], "add up to 1"),
            ([[0.5, 0.5]], [[0, 1, 2]], "both be"),
        ],
    )
    def test_what_does_not_fit_is_refused(
        self, values: list[list[float]], orders: list[list[int]], words: str
    ) -> None:
        with pytest.raises(InvalidOrders, match=words):
            average_over_orders(values, orders=orders)


class TestPrompts:
    def test_five_prompts_end_before_the_letter(self) -> None:
        prompts = letter_prompts(question="Is it so?", options=["Yes", "No"], seed=7)
        assert len(prompts) == 5
        assert len({p.text for p in prompts}) == 5
        for prompt in prompts:
            assert prompt.text.endswith("Is it so?\nA. Yes\nB. No\nAnswer Choice:")
            assert prompt.text.count("Answer Choice:") == len(WORKED_QUESTIONS) + 1
            assert prompt.ways_to_write() == (("A", " A"), ("B", " B"))
            first = prompt.text.index("Answer Choice:")
            assert prompt.text[first:].startswith(f"Answer Choice: {prompt.worked_answers[0]}.")

    def test_the_seed_fixes_them(self) -> None:
        assert worked_answers(seed=1) == worked_answers(seed=1)
        assert worked_answers(seed=1) != worked_answers(seed=2)
        assert len(set(worked_answers(seed=0, count=60))) == 60
        drawn = Counter(a[0] for seed in range(200) for a in worked_answers(seed=seed))
        assert min(drawn.values()) > 250  # about a third of 1,000 each

    def test_options_in_another_order(self) -> None:
        prompt = letter_prompts(question="So?", options=["Yes", "No"], seed=0, order=[1, 0])[0]
        assert prompt.text.endswith("So?\nA. No\nB. Yes\nAnswer Choice:")
        assert prompt.order == (1, 0)

    @pytest.mark.parametrize(
        ("question", "options", "order", "count", "words"),
        [
            (" ", ["a", "b"], None, 5, "question is blank"),
            ("q", ["a"], None, 5, "has 1 options"),
            ("q", ["x" * n for n in range(1, 28)], None, 5, "has 27 options"),
            ("q", ["a", " "], None, 5, "blank option"),
            ("q", ["a", "A "], None, 5, "same option twice"),
            ("q", ["a", "b"], [0, 0], 5, "no order"),
            ("q", ["a", "b"], None, 61, "1 to 60"),
        ],
    )
    def test_what_makes_no_prompt_is_refused(
        self, question: str, options: list[str], order: list[int] | None, count: int, words: str
    ) -> None:
        with pytest.raises(InvalidPrompt, match=words):
            letter_prompts(question=question, options=options, seed=0, order=order, count=count)


class TestCompletions:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("B", 1),
            ("b", 1),
            ("(b)", 1),
            ("B.", 1),
            ("**B**", 1),
            ("\n  B\nbecause of the weather", 1),
            ("Answer: B", 1),
            ("**Answer:** B", 1),
            ("The answer is B.", 1),
            ("My answer is (C) since it is so", 2),
            ("Answer Choice: D.", 3),
            ("Option D", 3),
            ("B. Somewhat satisfied", 1),
            ("B Somewhat satisfied", 1),
            ("B: because", 1),
            ("somewhat satisfied.", 1),
            ("Don’t know", 3),
            ("A. I would go with this", 0),
            ("I would choose B.", 1),
            ("I'd say (c)", 2),
            ("Dissatisfied, since it rained", 2),
            ("Somewhat satisfied. It was fine", 1),
            ("C,", 2),
            ("Dissatisfied people abound", None),
            ("I'd say a good deal", None),
            ("A, for one, would do", None),
            ("A good idea", None),
            ("a thing", None),
            ("Bad", None),
            ("A or B", None),
            ("A) or B)", None),
            ("A, B", None),
            ("A/B", None),
            ("B. Dissatisfied", None),
            ("E", None),
            ("I think B", None),
            ("", None),
        ],
    )
    def test_what_names_an_option(self, text: str, place: int | None) -> None:
        assert parse_completion(text, options=OPTIONS) == place

    def test_words_that_look_like_an_introduction(self) -> None:
        assert parse_completion("Choice", options=["Choice", "No choice"]) == 0
        assert parse_completion("Answer the call", options=["Answer the call", "Hang up"]) == 0

    def test_counts_and_the_unparsed_share(self) -> None:
        found = read_completions(["A", "A", "B", "hm", "A"], options=OPTIONS)
        assert found.counts.tolist() == [3, 1, 0, 0]
        assert found.probabilities is not None
        assert found.probabilities.tolist() == [0.75, 0.25, 0, 0]
        assert found.unparsed == 1
        assert found.unparsed_share.value == 0.2
        assert found.unparsed_share.low is not None

    def test_nothing_that_can_be_read(self) -> None:
        found = read_completions(["hm"], options=OPTIONS)
        assert found.probabilities is None
        assert found.reason == "None of 1 completions names an option."
        assert read_completions([], options=OPTIONS).unparsed_share.value is None


class TestStated:
    @pytest.mark.parametrize(
        ("text", "expected", "total"),
        [
            ("{'A': '25%', 'B': '15%', 'C': '35%', 'D': '25%'}", [0.25, 0.15, 0.35, 0.25], 1),
            ('{"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.4}', [0.1, 0.2, 0.3, 0.4], 1),
            ("A: .1\nB: .2\nC: .3\nD: .4", [0.1, 0.2, 0.3, 0.4], 1),
            (
                "Very satisfied: 10\nSomewhat satisfied: 20\nDissatisfied: 30\nDon't know: 40",
                [0.1, 0.2, 0.3, 0.4],
                1,
            ),
            ("- A: 25%\n- B: 25%\n* C: 25%\n**D**: 25%", [0.25] * 4, 1),
            ("A. Very satisfied: 100%\nB: 0%\nC: 0%\nD. Don’t know: 0%", [1, 0, 0, 0], 1),
            ("Sure! Here: A: 25%, B: 25%, C: 25%, D: 25%", [0.25] * 4, 1),
            ("A: 20%, B: 20%, C: 20%, D: 36%", [20 / 96] * 3 + [36 / 96], 0.96),
            ("A: 95, B: 0, C: 0, D: 0", [1, 0, 0, 0], 0.95),
        ],
    )
    def test_what_can_be_read(self, text: str, expected: list[float], total: float) -> None:
        found = read_stated_distribution(text, options=OPTIONS)
        assert found.probabilities == pytest.approx(np.array(expected)), found.reason
        assert found.stated_sum == pytest.approx(total)

    def test_an_option_with_a_comma(self) -> None:
        found = read_stated_distribution("Yes, always: 40%\nNo: 60%", options=["Yes, always", "No"])
        assert found.probabilities == pytest.approx(np.array([0.4, 0.6])), found.reason

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("I would rather not say.", "No option with a number"),
            ("A: 10%", "Option 'Somewhat satisfied' has no number"),
            ("A: 50%, B: 50%, C: 50%, D: 50%", "add up to 200, not 100"),
            ("A: 1, B: 1, C: 1, D: 1", "add up to 4, not 1 or 100"),
            ("A: 25%, B: 0.25, C: 25%, D: 25%", "Some numbers are percentages"),
            ("A: 25%, A: 25%, C: 25%, D: 25%", "stands twice"),
            ("A: 25%, B: 25%, C: 25%, D: 25%, Total: 100%", "'Total' is none of the options"),
            ("B. Very satisfied: 100%, A: 0%, C: 0%, D: 0%", "is none of the options"),
            ("A: 0.5, B: -0.5, C: 0.5, D: 0.5", "below 0"),
        ],
    )
    def test_junk_is_refused_with_its_reason(self, text: str, words: str) -> None:
        found = read_stated_distribution(text, options=OPTIONS)
        assert found.probabilities is None
        assert words in found.reason

    def test_large_models_statements(self, shared_data: Path) -> None:
        """GPT-4's own words, read as those who published them read them (.320)."""
        folder = (
            shared_data
            / "dist_align/results_globalvalues/express_distribution/gpt-4/task1/globalvalues"
        )
        if not folder.is_dir():
            pytest.skip(f"stored statements of large models are not here: {folder}")
        distances, refused = [], 0
        for file in sorted(folder.glob("*.json")):
            for entry in json.loads(file.read_text()).values():
                people = entry["expected_results"]
                found = read_stated_distribution(entry["response"][0], options=list(people))
                if found.probabilities is None:
                    refused += 1
                    continue
                distances.append(np.abs(found.probabilities - list(people.values())).sum() / 2)
        assert len(distances) + refused == 300
        assert refused <= 6
        assert np.mean(distances) == pytest.approx(0.320, abs=0.003)
