"""Which judge of entailment is loaded, and what is said where it can't be."""

import pytest
from django.conf import LazySettings

from overton.ports import EntailmentUnavailable, chosen, load_entailment_backend

FAKE = "fake_entailment.WordJudge"


@pytest.fixture(autouse=True)
def declared(settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKENDS = {"words": FAKE, "broken": "no_such_package.Judge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = "large"
    settings.ENTAILMENT_REVISION = "r1"


class TestLoading:
    def test_without_a_name_it_is_the_one_of_the_settings(self) -> None:
        judge = load_entailment_backend()
        assert (judge.name, judge.revision) == ("words:large", "r1")

    def test_a_model_may_follow_the_name_and_has_no_revision_of_another(self) -> None:
        judge = load_entailment_backend("words:small")
        assert (judge.name, judge.revision) == ("words:small", "")

    def test_a_model_may_hold_colons(self) -> None:
        assert chosen("llm:http://127.0.0.1:8000/v1").model == "http://127.0.0.1:8000/v1"

    def test_another_backend_does_not_get_the_model_of_the_settings(self) -> None:
        assert chosen(FAKE).model == ""
        assert load_entailment_backend(FAKE).name == "words"

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(
            EntailmentUnavailable, match=r"called 'wrods'\. Known are words, broken"
        ):
            load_entailment_backend("wrods")

    def test_a_package_that_is_missing_is_named(self) -> None:
        with pytest.raises(EntailmentUnavailable, match="no_such_package"):
            load_entailment_backend("broken")

    def test_what_the_backend_says_is_passed_on(self) -> None:
        with pytest.raises(EntailmentUnavailable, match="called missing"):
            load_entailment_backend("words:missing")
