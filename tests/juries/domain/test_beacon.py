"""Numbers from public values: spelled in one way, uniform, and fixed by a known example."""

import hashlib
import hmac
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.domain.beacon import UnusableValue, normalised_value, panel_number

DIGEST = hashlib.sha256(b"record").hexdigest()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("3, 17, 22", "3 17 22"),
        (" 3-17-22\n", "3 17 22"),
        ("Round 4 512 000: A3F", "round 4 512 000 a3f"),
        ("0", "0"),
    ],
)
def test_one_spelling(typed: str, value: str) -> None:
    assert normalised_value(typed) == value


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "no digit"), (" - ", "no digit"), ("３", "character"), ("1" * 401, "401 characters")],
)
def test_what_cannot_be_used_is_said(typed: str, words: str) -> None:
    with pytest.raises(UnusableValue, match=words):
        normalised_value(typed)


@given(st.text(alphabet=st.characters(max_codepoint=127), min_size=1))
def test_normalising_twice_is_the_same_as_once(typed: str) -> None:
    try:
        value = normalised_value(typed)
    except UnusableValue:
        return
    assert normalised_value(value) == value


def test_the_number_is_as_documented() -> None:
    digest = hmac.new(DIGEST.encode(), b"3 17 22/0", "sha256").digest()
    expected = int.from_bytes(digest[:8], "big") % 1000
    assert panel_number(record_digest=DIGEST, public_value="3 17 22", panels=1000) == expected
    assert panel_number(record_digest=DIGEST, public_value="0", panels=1) == 0


def test_an_unfair_attempt_is_passed_over() -> None:
    """With 2**63 + 1 panels half of all attempts would be unfair."""
    panels = 2**63 + 1
    passed_over = 0
    for value in map(str, range(40)):
        number = panel_number(record_digest=DIGEST, public_value=value, panels=panels)
        attempts = [
            int.from_bytes(
                hmac.new(DIGEST.encode(), f"{value}/{n}".encode(), "sha256").digest()[:8], "big"
            )
            for n in range(20)
        ]
        first = next(n for n, attempt in enumerate(attempts) if attempt < panels)
        assert number == attempts[first]
        passed_over += first > 0
    assert 10 < passed_over < 30


def test_every_number_is_about_as_frequent() -> None:
    counts = Counter(
        panel_number(record_digest=DIGEST, public_value=str(value), panels=10)
        for value in range(5000)
    )
    chi_square = sum((counts[number] - 500) ** 2 / 500 for number in range(10))
    assert chi_square < 27.9  # 99.9 % of chi-square with 9 degrees of freedom


@pytest.mark.parametrize(
    ("digest", "panels"), [("x", 10), (DIGEST.upper(), 10), (DIGEST, 0), (DIGEST, 2**64 + 1)]
)
def test_bad_arguments_are_refused(digest: str, panels: int) -> None:
    with pytest.raises(ValueError):
        panel_number(record_digest=digest, public_value="1", panels=panels)
