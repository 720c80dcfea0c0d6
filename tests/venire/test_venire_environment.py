"""Variables of the environment: typed, declared, loud when wrong."""

import pytest

from venire.environment import Environment, EnvironmentProblem


def reading(**source: str) -> Environment:
    return Environment(source=source)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("1", True), ("TRUE", True), (" yes ", True), ("On", True),
        ("0", False), ("false", False), ("No", False), ("off", False), ("", False),
    ],
)  # fmt: skip
def test_a_flag_is_one_of_a_few_words(word: str, meant: bool) -> None:
    assert reading(A=word).flag("A", not meant, "x") is meant


@pytest.mark.parametrize("word", ["maybe", "2", "nope", "t r u e"])
def test_any_other_word_is_refused_with_the_legal_ones(word: str) -> None:
    with pytest.raises(EnvironmentProblem, match=r"^A=.*Use one of: .*false.*true") as refusal:
        reading(A=word).flag("A", False, "x")
    assert repr(word) in str(refusal.value)


def test_a_number_is_whole_and_large_enough() -> None:
    assert reading(A="15").number("A", 60, "x", minimum=15) == 15
    with pytest.raises(EnvironmentProblem, match=r"A=14 is too small; the least is 15"):
        reading(A="14").number("A", 60, "x", minimum=15)
    with pytest.raises(EnvironmentProblem, match="A='many' is not a whole number"):
        reading(A="many").number("A", 60, "x")
    with pytest.raises(EnvironmentProblem, match=r"A='1\.5' is not a whole number"):
        reading(A="1.5").number("A", 60, "x")


def test_a_list_loses_blanks_and_empty_items() -> None:
    assert reading(A=" a, ,b ,").items("A", "", "x") == ["a", "b"]
    assert reading(A="").items("A", "a,b", "x") == []
    assert reading().items("A", "a,b", "x") == ["a", "b"]


def test_text_is_taken_as_it_is() -> None:
    assert reading(A=" x ").text("A", "y", "x") == " x "
    assert reading(A="").text("A", "y", "x") == ""
    assert reading().text("A", "y", "x") == "y"


def test_every_variable_that_was_asked_for_is_declared() -> None:
    env = reading(B="no")
    env.text("A", "y", "what A means")
    env.flag("B", True, "what B means")
    env.number("C", 3, "what C means")
    env.items("D", "a", "what D means")
    assert [(v.name, v.kind, v.default, v.meaning) for v in env.declared.values()] == [
        ("A", "text", "y", "what A means"),
        ("B", "flag", "true", "what B means"),
        ("C", "number", "3", "what C means"),
        ("D", "list", "a", "what D means"),
    ]
