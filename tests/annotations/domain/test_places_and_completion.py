"""Who belongs to which group, and where people are sent at the end."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.domain import completion
from annotations.domain.completion import InvalidCompletion, check_template, fill_in
from annotations.domain.places import PlaceRule, belonging, is_full

WOMEN = PlaceRule(1, {"gender": frozenset({"woman"})})
MEN = PlaceRule(2, {"gender": frozenset({"man"})})
YOUNG = PlaceRule(3, {"age": frozenset({"18-34", "35-49"})})
YOUNG_WOMEN = PlaceRule(4, {"gender": frozenset({"woman"}), "age": frozenset({"18-34"})})


class TestBelonging:
    def test_no_rules_take_everybody(self) -> None:
        found = belonging(replies={}, rules=[])
        assert (found.groups, found.is_wanted) == ((), True)

    @pytest.mark.parametrize(
        ("replies", "groups", "is_wanted"),
        [
            ({"gender": "woman"}, (1,), True),
            ({"gender": "man"}, (2,), True),
            ({"gender": "neither"}, (), False),
            ({"gender": ""}, (), False),
            ({}, (), False),
        ],
    )
    def test_groups_of_one_question(
        self, replies: dict[str, str], groups: tuple[int, ...], is_wanted: bool
    ) -> None:
        found = belonging(replies=replies, rules=[WOMEN, MEN])
        assert (found.groups, found.is_wanted) == (groups, is_wanted)

    def test_different_questions_are_counted_side_by_side(self) -> None:
        rules = [WOMEN, MEN, YOUNG]
        found = belonging(replies={"gender": "man", "age": "35-49"}, rules=rules)
        assert (found.groups, found.is_wanted) == ((2, 3), True)
        # Wanted by gender, but by age she is not.
        old = belonging(replies={"gender": "man", "age": "65+"}, rules=rules)
        assert (old.groups, old.is_wanted) == ((2,), False)

    def test_a_combination_needs_all_of_it(self) -> None:
        found = belonging(replies={"gender": "woman", "age": "35-49"}, rules=[YOUNG_WOMEN])
        assert not found.is_wanted
        assert belonging(replies={"gender": "woman", "age": "18-34"}, rules=[YOUNG_WOMEN]).groups

    @given(
        st.dictionaries(st.sampled_from(["gender", "age"]), st.sampled_from(["woman", "18-34", ""]))
    )
    def test_groups_are_those_that_fit(self, replies: dict[str, str]) -> None:
        rules = [WOMEN, MEN, YOUNG, YOUNG_WOMEN]
        found = belonging(replies=replies, rules=rules)
        assert found.groups == tuple(rule.key for rule in rules if rule.fits(replies))
        assert not (found.is_wanted and not found.groups)

    def test_full(self) -> None:
        places = {1: 2, 3: 5}
        assert is_full(wanted=[1, 3], taken={1: 2}, places=places)
        assert is_full(wanted=[1], taken={1: 3}, places=places)
        assert not is_full(wanted=[1, 3], taken={1: 1, 3: 4}, places=places)
        assert is_full(wanted=[1], taken={}, places={1: 0})
        assert not is_full(wanted=[], taken={}, places={})


class TestIds:
    @pytest.mark.parametrize("good", ["5f0c1ab2c3d4e5f601234567", "a" * 24])
    def test_prolific(self, good: str) -> None:
        assert completion.is_prolific_id(good)

    @pytest.mark.parametrize(
        "bad", ["", "a" * 23, "a" * 25, "{{%PROLIFIC_PID%}}", "é" * 24, "a" * 24 + "\n"]
    )  # fmt: skip
    def test_not_prolific(self, bad: str) -> None:
        assert not completion.is_prolific_id(bad)

    @pytest.mark.parametrize("good", ["1", "a.b-c_d~e=f", "x@panel", "k" * 80])
    def test_panel(self, good: str) -> None:
        assert completion.is_panel_id(good)

    @pytest.mark.parametrize("bad", ["", ".", "..", "../x", "a b", "a/b", "a&b", "<b>", "k" * 81])
    def test_not_panel(self, bad: str) -> None:
        assert not completion.is_panel_id(bad)


class TestAddresses:
    @pytest.mark.parametrize(
        "good",
        [
            "https://panel.example.org/end?id={id}&status={status}&code={code}",
            "https://panel.example.org:8443/{status}/{id}",
            "https://example.org",
        ],
    )
    def test_taken(self, good: str) -> None:
        check_template(good, has_id=True)

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            ("http://panel.example.org/", "must begin with"),
            ("javascript:alert(1)", "must begin with"),
            ("HTTPS://panel.example.org/", "must begin with"),
            ("//panel.example.org/", "must begin with"),
            ("https://{id}.example.org/", "plain host"),
            ("https://{id}/", "plain host"),
            ("https://panel.example.org@evil.example/", "plain host"),
            ("https://", "plain host"),
            ("https:///x", "plain host"),
            ("https://panel.example.org:99999/", "no address"),
            ("https://panel.example.org/{pid}", "{pid} can't be filled in"),
            ("https://panel.example.org/?a={id}}", "brace"),
            ("https://panel.example.org/a b", "blanks"),
            ("https://panel.example.org\\@evil.example", "backslashes"),
            ("https://panel.example.org/\n", "blanks"),
            ("https://pänel.example.org/", "beyond ASCII"),
            ("https://panel.example.org/" + "x" * 500, "526 characters"),
        ],
    )
    def test_refused(self, bad: str, words: str) -> None:
        with pytest.raises(InvalidCompletion) as caught:
            check_template(bad, has_id=True)
        assert words in str(caught.value)

    def test_no_id_without_one(self) -> None:
        with pytest.raises(InvalidCompletion, match=r"may hold \{status\}, \{code\}"):
            check_template("https://example.org/{id}", has_id=False)

    def test_codes_and_parameters(self) -> None:
        completion.check_code("C1-ab_2")
        completion.check_parameter("participant_id")
        for bad in ("", "a b", "a&cc=b", "x" * 61):
            with pytest.raises(InvalidCompletion):
                completion.check_code(bad)
        for bad in ("", "1a", "a=b", "a&b", "x" * 41):
            with pytest.raises(InvalidCompletion):
                completion.check_parameter(bad)

    @given(st.text(max_size=40))
    def test_what_is_filled_in_stays_one_value_of_one_host(self, brought: str) -> None:
        template = "https://panel.example.org/end?id={id}&status={status}"
        url = fill_in(template, values={"id": brought, "status": "complete"})
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "panel.example.org", "/end")
        assert parts.fragment == ""
        found = parse_qs(parts.query, keep_blank_values=True)
        assert found == {"id": [brought], "status": ["complete"]}
