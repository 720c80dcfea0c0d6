"""Contrast pairs made by rule, on sentences of our own."""

import json
import random

import pytest

from models_runner.domain.contrast.antonyms import OPPOSITES, opposite
from models_runner.domain.contrast.frames import HEDGED, OPPOSED, PRESENTED, REFUTED, STRESSED
from models_runner.domain.contrast.grammar import number_pair, quantifier_pair, role_pair
from models_runner.domain.contrast.mixture import contrast_pairs
from models_runner.domain.contrast.negation import (
    bare,
    base_of,
    contracted,
    denied,
    is_negated,
    negated,
    plainly_negated,
)
from models_runner.domain.contrast.pairs import (
    InvalidPairs,
    LabelledPair,
    Relation,
    parse_pairs,
    without_texts,
)

E, N, C, NOT = Relation
PAIRS = [
    LabelledPair("The town closed its only pool.", "The pool is closed.", E, "a"),
    LabelledPair("The town closed its only pool.", "The pool is open.", C, "a"),
    LabelledPair("The town closed its only pool.", "The pool was too expensive.", N, "a"),
    LabelledPair("Trams reduce noise in narrow streets.", "Trams make streets quieter.", E, "b"),
    LabelledPair("Trams reduce noise in narrow streets.", "Trams should be banned.", NOT, "b"),
    LabelledPair("In 2019, 40 bakers signed.", "There were 40 bakers who signed.", E, "c"),
    LabelledPair("Grandparents deserve more visits.", "Old people should be visited.", E, "c"),
]


class TestNegation:
    @pytest.mark.parametrize(
        ("sentence", "denial"),
        [
            ("Trams are quiet.", "Trams are not quiet."),
            ("Fees should rise.", "Fees should not rise."),
            ("Fees should not rise.", "Fees should rise."),
            ("Fees shouldn't rise.", "Fees should rise."),
            ("We can't wait.", "We can wait."),
            ("We cannot wait.", "We can wait."),
            ("Can't we wait?", "Can we wait?"),
            ("The council has decided.", "The council has not decided."),
            ("The council does not pay.", "The council does pay."),
            ("Noise harms children.", "Noise does not harm children."),
            ("Uniforms reduce envy.", "Uniforms do not reduce envy."),
            ("It carries over and denies help.", None),
            ("A dog runs.", None),
            ("They have children.", None),
        ],
    )
    def test_where_not_goes(self, sentence: str, denial: str | None) -> None:
        assert plainly_negated(sentence) == denial

    def test_twice_is_once(self) -> None:
        for sentence in ("Trams are quiet.", "Fees should rise.", "It will be missed."):
            once = plainly_negated(sentence)
            assert once is not None
            assert plainly_negated(once) == sentence
            assert plainly_negated(contracted(once)) == sentence

    def test_nouns_are_no_verbs(self) -> None:
        assert plainly_negated("The need of the many") is None
        assert base_of("denies") is None
        assert base_of("harms") == "harm"

    def test_denied_as_a_whole(self) -> None:
        rng = random.Random(0)
        found = denied("The mayor sings.", rng)
        assert "the mayor sings" in found
        assert found[0].isupper()
        assert found.endswith("sings.")
        assert "the mayor hums" in negated("The mayor hums.", rng), "no place for not"

    def test_contraction(self) -> None:
        assert contracted("Fees should not rise.") == "Fees shouldn't rise."
        assert contracted("Fees rise.") == "Fees rise."

    def test_signs_of_negation(self) -> None:
        assert is_negated("Nobody sings.")
        assert is_negated("They won't sing.")
        assert not is_negated("They note everything.")

    @pytest.mark.parametrize(
        ("sentence", "within"),
        [
            ("The pool is closed.", "the pool is closed"),
            ("I am tired!", "I am tired"),
            ("NATO should grow", "NATO should grow"),
            ("“Quoted” first", "“Quoted” first"),
        ],
    )
    def test_inside_another_sentence(self, sentence: str, within: str) -> None:
        assert bare(sentence) == within


class TestAntonyms:
    def test_swap_keeps_capitals(self) -> None:
        assert opposite("Illegal markets grow.", random.Random(0)) == ("Legal markets grow.", True)
        assert opposite("The weather changes.", random.Random(0)) is None

    def test_both_directions(self) -> None:
        for one, other in OPPOSITES:
            reached = {
                changed[0]
                for seed in range(40)
                if (changed := opposite(f"They {one} it", random.Random(seed)))
            }
            assert f"They {other} it" in reached, one

    def test_only_some_pairs_leave_nothing_between(self) -> None:
        changed = opposite("The soup is good", random.Random(0))
        assert changed == ("The soup is bad", False)


class TestGrammar:
    def test_quantifiers(self) -> None:
        rng = random.Random(1)
        found = {quantifier_pair(rng) for _ in range(3000)}
        for pair in found:
            first, second = pair.premise.lower(), pair.hypothesis.lower()
            if first.startswith("all ") and second.startswith("some "):
                assert pair.label is E
            if first.startswith("some ") and second.startswith("all "):
                assert pair.label is N
            if first.startswith("no ") and second.startswith("some "):
                assert pair.label is C
        assert {pair.label for pair in found} == {E, N, C}

    def test_numbers(self) -> None:
        rng = random.Random(2)
        for pair in (number_pair(rng) for _ in range(2000)):
            if pair.premise == pair.hypothesis:
                assert pair.label is E
            elif not any(
                word in pair.premise + pair.hypothesis
                for word in ("than", "least", "most", "xactly", "or more")
            ):
                assert pair.label is C

    def test_roles(self) -> None:
        rng = random.Random(3)
        found = [role_pair(rng) for _ in range(2000)]
        for pair in found:
            if " more important than " in pair.premise:
                one, other = (
                    part.strip(".").lower() for part in pair.premise.split(" more important than ")
                )
                if (
                    pair.hypothesis.lower().startswith(other)
                    and "more important" in pair.hypothesis
                ):
                    assert pair.label is C, (one, other)
        assert {pair.label for pair in found} == {E, N, C}


class TestMixture:
    def test_same_seed_same_pairs(self) -> None:
        first = contrast_pairs(PAIRS, count=300, seed=5)
        assert len(first) == 300
        assert first == contrast_pairs(PAIRS, count=300, seed=5)
        assert first != contrast_pairs(PAIRS, count=300, seed=6)

    def test_every_kind_comes_up_with_fair_labels(self) -> None:
        found = contrast_pairs(PAIRS, count=4000, seed=1)
        kinds = {pair.source for pair in found}
        assert kinds == {
            "negation", "antonym", "refuted", "opposed", "presented", "stressed", "hedged",
            "other topic", "padded", "number", "quantifier", "roles",
        }  # fmt: skip
        share = sum(pair.label is E for pair in found) / len(found)
        assert 0.3 < share < 0.55
        assert {pair.label for pair in found if pair.source == "hedged"} == {N}
        assert {pair.label for pair in found if pair.source == "presented"} == {E, C}

    def test_a_view_refuted_is_never_entailed(self) -> None:
        for pair in contrast_pairs(PAIRS, count=4000, seed=2):
            if pair.source == "refuted" and pair.label is E:
                assert pair.hypothesis not in {one.hypothesis for one in PAIRS}
            if pair.source == "negation" and pair.premise == pair.hypothesis:
                assert pair.label is E
            assert "{" not in pair.premise + pair.hypothesis

    def test_numbers_change_only_where_both_have_them(self) -> None:
        changed = [
            pair
            for pair in contrast_pairs(PAIRS, count=6000, seed=3)
            if pair.source == "number" and pair.premise == PAIRS[5].premise
        ]
        assert changed
        assert all(pair.label is C and "40" not in pair.hypothesis.split() for pair in changed)

    def test_needs_entailed_pairs(self) -> None:
        with pytest.raises(ValueError, match="label entailment"):
            contrast_pairs([PAIRS[1]], count=1, seed=0)

    def test_frames_hold_their_view(self) -> None:
        for frame in (*PRESENTED, *REFUTED, *STRESSED, *HEDGED, *OPPOSED):
            assert "{x}" in frame or "{X}" in frame, frame
        for frame in OPPOSED:
            assert "{y}" in frame or "{Y}" in frame, frame


class TestPairs:
    def test_reads_lines(self) -> None:
        line = json.dumps({"premise": "a", "hypothesis": "b", "label": "neutral"})
        assert parse_pairs([line, "", line], file="f") == [LabelledPair("a", "b", N)] * 2

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("{", "f, line 1: not JSON"),
            ("[]", "f, line 1: a JSON object"),
            ('{"premise": "", "hypothesis": "b", "label": "neutral"}', "'premise' must be a text"),
            ('{"premise": "a", "label": "neutral"}', "'hypothesis' must be a text"),
            ('{"premise": "a", "hypothesis": "b"}', "label None is not known"),
            ("", "there is no pair"),
        ],
    )
    def test_bad_lines(self, line: str, message: str) -> None:
        with pytest.raises(InvalidPairs, match=message):
            parse_pairs([line], file="f")

    def test_leaves_texts_out_whatever_their_case(self) -> None:
        left = without_texts(PAIRS, ["the POOL is  open."])
        assert left == [PAIRS[0], *PAIRS[2:]]
