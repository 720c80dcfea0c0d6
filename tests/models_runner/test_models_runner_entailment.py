"""Judges of entailment: tiny classifiers that are made here, and language models as judges."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import LazySettings
from huggingface_hub import constants
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from models_runner.backends.entailment import sequence_classification
from models_runner.backends.entailment.judge import LanguageModelJudge
from models_runner.backends.entailment.sequence_classification import SequenceClassifier
from models_runner.domain.entailment_labels import UnknownLabels, label_order
from models_runner.domain.entailment_prompt import (
    ORDERS,
    NoReply,
    from_letters,
    from_text,
    from_texts,
    prompts,
)
from models_runner.ports import (
    Ability,
    Completion,
    FinishReason,
    GenerationRequest,
    LetterScores,
    ModelUnavailable,
)
from overton.ports import EntailmentUnavailable, load_entailment_backend

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cats", "dogs", "purr", "bark", "and"]
NAMED = {0: "CONTRADICTION", 1: "Entailment", 2: "neutral"}


def tiny(folder: Path, labels: dict[int, str], *, seed: int = 7, positions: int = 40) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=positions).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
        id2label=labels,
        label2id={name: place for place, name in labels.items()},
        initializer_range=1.0,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("three"), NAMED)


# --- Labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "meanings"),
    [
        (("entailment", "neutral", "contradiction"), ("entailment", "neutral", "contradiction")),
        (("CONTRADICTION", "Neutral", "ENTAILS"), ("contradiction", "neutral", "entailment")),
        (("not_entailment", "entailment"), ("not_entailment", "entailment")),
        (("Entailment", "Not-Entailment"), ("entailment", "not_entailment")),
    ],
)
def test_the_order_is_read_from_the_names(
    labels: tuple[str, ...], meanings: tuple[str, ...]
) -> None:
    assert label_order(dict(enumerate(labels)), model="m").meanings == meanings


@pytest.mark.parametrize(
    "labels",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("positive", "negative"),
        ("entailment", "entails", "neutral"),
        ("entailment", "neutral"),
        ("entailment", "neutral", "contradiction", "other"),
    ],
)
def test_names_that_say_nothing_are_refused_with_the_way_out(labels: tuple[str, ...]) -> None:
    with pytest.raises(UnknownLabels) as caught:
        label_order(dict(enumerate(labels)), model="some/model")
    assert ", ".join(labels) in str(caught.value)
    assert "some/model#labels=entailment,neutral,contradiction" in str(caught.value)
    assert "id2label" in str(caught.value)


def test_what_two_labels_leave_open_is_halved() -> None:
    order = label_order({0: "entailment", 1: "not_entailment"}, model="m")
    np.testing.assert_allclose(order.probabilities([[0.7, 0.3]]), [[0.7, 0.15, 0.15]])
    order = label_order(NAMED, model="m")
    np.testing.assert_allclose(order.probabilities([[0.1, 0.7, 0.2]]), [[0.7, 0.2, 0.1]])


# --- Classifiers ----------------------------------------------------------------------------------


def test_a_folder_loads_and_its_labels_are_put_in_order(three: Path) -> None:
    judge = SequenceClassifier(model=str(three))
    found = judge.entails(["cats purr", "dogs bark"], ["dogs", "cats and dogs"])
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    turned = SequenceClassifier(model=f"{three}#labels=entailment,neutral,contradiction")
    other = turned.entails(["cats purr"], ["dogs"])
    np.testing.assert_allclose(other[0], [found[0, 2], found[0, 0], found[0, 1]], atol=1e-6)
    assert turned.weights_digest != judge.weights_digest
    assert judge.entails([], []).shape == (0, 3)


def test_a_pair_has_the_same_numbers_in_any_company_and_is_judged_once(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = SequenceClassifier(model=str(three))
    alone = judge.entails(["cats"], ["dogs bark and purr"])
    monkeypatch.setattr(sequence_classification, "TOKENS_PER_BATCH", 30)
    told: list[tuple[int, int]] = []
    together = judge.entails(
        ["cats and dogs purr and bark", "cats", "cats", "dogs"],
        ["dogs", "dogs bark and purr", "dogs bark and purr", "purr"],
        progress=lambda done, total: told.append((done, total)),
    )
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)
    np.testing.assert_array_equal(together[1], together[2])
    assert told[-1] == (3, 3)


def test_a_long_pair_loses_words_of_its_premise_only(three: Path) -> None:
    judge = SequenceClassifier(model=str(three))
    long = "cats purr " * 30
    first, second, third = judge.entails([long, f"{long} bark", f"bark {long}"], ["dogs bark"] * 3)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert not np.allclose(first, third, atol=1e-4)
    ids = judge._tokens([long], ["dogs bark"])["input_ids"][0]
    assert len(ids) == 40
    assert [WORDS[place] for place in ids[-4:]] == ["[SEP]", "dogs", "bark", "[SEP]"]
    with pytest.raises(EntailmentUnavailable, match="reads pairs of 40"):
        judge.entails(["cats"], [long])


def test_two_labels_are_enough(tmp_path: Path) -> None:
    judge = SequenceClassifier(
        model=str(tiny(tmp_path / "m", {0: "entailment", 1: "not_entailment"}))
    )
    found = judge.entails(["cats"], ["dogs"])
    assert found[0, 1] == found[0, 2]
    np.testing.assert_allclose(found.sum(), 1, atol=1e-6)


def test_a_hub_that_does_not_answer_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(EntailmentUnavailable, match=r"does not answer .* to a folder"):
        load_entailment_backend("transformers:nobody/no-such-judge")
    with pytest.raises(EntailmentUnavailable, match="no folder '/no/such/judge'"):
        load_entailment_backend("transformers:/no/such/judge")


def test_what_cannot_be_loaded_is_said(tmp_path: Path, settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKEND = "transformers"
    settings.ENTAILMENT_MODEL = ""
    with pytest.raises(EntailmentUnavailable, match="VENIRE_ENTAILMENT_MODEL"):
        load_entailment_backend()
    with pytest.raises(EntailmentUnavailable, match="could not be loaded"):
        load_entailment_backend(f"transformers:{tmp_path}")
    folder = tiny(tmp_path / "m", {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})
    with pytest.raises(EntailmentUnavailable, match="LABEL_0, LABEL_1, LABEL_2"):
        load_entailment_backend(f"transformers:{folder}")
    with pytest.raises(EntailmentUnavailable, match="3 outputs, but 2 labels"):
        load_entailment_backend(f"transformers:{folder}#labels=entailment,neutral")
    named = f"transformers:{folder}#labels=entailment,neutral,contradiction"
    assert load_entailment_backend(named).entails(["cats"], ["dogs"]).shape == (1, 3)
    with pytest.raises(EntailmentUnavailable, match="float64"):
        SequenceClassifier(model=str(folder), dtype="float64")


# --- Language models ------------------------------------------------------------------------------


def test_each_meaning_has_each_letter_once_and_the_pair_stands_last() -> None:
    asked = prompts("Cats\n purr.", "Dogs bark.")
    assert [one.meanings for one in asked] == list(ORDERS)
    assert {order.index(0) for order in ORDERS} == {0, 1, 2}
    for one in asked:
        assert one.text.endswith("Text: Cats purr.\nStatement: Dogs bark.\nAnswer:")
        assert one.text.count("Answer:") == 7


def test_a_model_that_only_likes_a_letter_knows_nothing() -> None:
    always_a = np.log(np.tile([[[0.8], [0.1], [0.1]]], (3, 1, 1)))
    np.testing.assert_allclose(from_letters(always_a, ORDERS), [1 / 3] * 3)
    with pytest.raises(NoReply):
        from_letters(np.full((3, 3, 2), -np.inf), ORDERS)


@pytest.mark.parametrize("reply", ["B", " b.".upper(), "(B) because", "I think the answer is B"])
def test_a_letter_is_read_from_a_reply(reply: str) -> None:
    assert from_text(reply, (1, 2, 0)).argmax() == 2
    assert from_text(reply, (1, 2, 0)).sum() == pytest.approx(1)


def test_replies_without_a_letter_are_left_out_unless_all_are() -> None:
    order = ORDERS[0]
    np.testing.assert_array_equal(
        from_texts([("Cannot say", order), ("A", order)]), from_text("A", order)
    )
    for reply in ("", "Beyond doubt", "A's text"):
        with pytest.raises(NoReply):
            from_texts([(reply, order)])


class Scripted:
    """A language model that finds a pair entailed where the statement stands in the text."""

    name = "scripted"
    revision = ""
    weights_digest = ""
    identity = "i" * 64

    def __init__(self, *abilities: Ability) -> None:
        self.abilities = frozenset(abilities)
        self.asked: list[str] = []

    def _letter(self, prompt: str) -> str:
        self.asked.append(prompt)
        *_, text, statement, _ = prompt.splitlines()
        claim = statement.removeprefix("Statement: ")
        meaning = "follows" if claim in text else "leaves"
        return next(line[0] for line in prompt.splitlines() if meaning in line)

    def next_letters(
        self, prompts: Sequence[str], letters: Sequence[str], *, progress: object = None
    ) -> LetterScores:
        scores = np.full((len(prompts), 3, 2), -np.inf)
        for row, prompt in enumerate(prompts):
            scores[row, :, 1] = np.log(0.1)
            scores[row, letters.index(self._letter(prompt)), 1] = np.log(0.8)
        return LetterScores(scores=scores, ways=tuple((one, f" {one}") for one in letters))

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: object = None,
        progress: object = None,
    ) -> list[Completion]:
        return [
            Completion(one.key, self._letter(str(one.prompt)), FinishReason.STOP)
            for one in requests
        ]

    def option_likelihoods(self, *_: object, **__: object) -> list[object]:
        raise AssertionError("not asked for")


@pytest.mark.parametrize(
    ("abilities", "share"),
    [((Ability.NEXT_LETTERS, Ability.GENERATE), 0.8), ((Ability.GENERATE,), 0.9)],
)
def test_a_language_model_judges_by_letters_or_by_replies(
    abilities: tuple[Ability, ...], share: float
) -> None:
    model = Scripted(*abilities)
    judge = LanguageModelJudge.of(model)  # type: ignore[arg-type]  # asks for no likelihoods
    found = judge.entails(
        ["Cats purr.", "Cats purr.", "Cats purr."], ["Cats purr.", "Dogs.", "Dogs."]
    )
    assert found[0].argmax() == 0
    assert found[1].argmax() == 1
    assert found[0, 0] == pytest.approx(share)
    np.testing.assert_array_equal(found[1], found[2])
    assert len(model.asked) == 2 * len(ORDERS)
    assert judge.name == "llm:scripted"


def test_a_way_to_ask_is_part_of_who_judges() -> None:
    letters = LanguageModelJudge.of(Scripted(Ability.NEXT_LETTERS))  # type: ignore[arg-type]
    replies = LanguageModelJudge.of(Scripted(Ability.GENERATE))  # type: ignore[arg-type]
    assert letters.weights_digest != replies.weights_digest
    with pytest.raises(EntailmentUnavailable, match="neither"):
        LanguageModelJudge.of(Scripted())  # type: ignore[arg-type]


def test_a_model_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scripted(Ability.NEXT_LETTERS)

    def away(*_: object) -> LetterScores:
        raise ModelUnavailable("The endpoint is away.")

    monkeypatch.setattr(model, "next_letters", away)
    with pytest.raises(EntailmentUnavailable, match="llm:scripted: The endpoint is away"):
        LanguageModelJudge.of(model).entails(["a"], ["b"])  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_language_model_that_is_not_there_is_said(settings: LazySettings) -> None:
    with pytest.raises(EntailmentUnavailable, match="no language model called 'nobody'"):
        load_entailment_backend("llm:nobody")
    with pytest.raises(EntailmentUnavailable, match="VENIRE_ENTAILMENT_MODEL"):
        load_entailment_backend("llm")
    settings.LANGUAGE_MODEL_BACKENDS = {"scripted": f"{__name__}.scripted"}
    assert load_entailment_backend("llm:scripted:anything").name == "llm:scripted"


def scripted(_specification: object) -> Scripted:
    """As a path in settings.LANGUAGE_MODEL_BACKENDS."""
    return Scripted(Ability.NEXT_LETTERS)
