"""The backend of OpenAI-compatible endpoints, against a server that misbehaves."""

import math
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from mock_endpoint import Reply, as_json, endpoint, refusal, said

from models_runner.backends.language.openai_compatible import load
from models_runner.backends.language.pacing import Pace, seconds_to_wait
from models_runner.ports import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    Message,
    ModelSpecification,
    ModelUnavailable,
    RequestFailed,
    TemplateKind,
    load_language_model,
)

KEY = "sk-very-secret-7"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ENDPOINT_KEY", KEY)


def at(url: str, **fields: Any) -> LanguageModel:
    parameters = {"first_wait": 0.01, "attempts": 3, **fields.pop("parameters", {})}
    usual: dict[str, Any] = {
        "name": "Mock",
        "kind": "openai",
        "location": url,
        "model_id": "mock-1",
        "key_variable": "TEST_ENDPOINT_KEY",
        "parallel_requests": 1,
        "timeout_seconds": 5.0,
    }
    return load(ModelSpecification(**{**usual, **fields, "parameters": parameters}))


def requests(count: int, **fields: Any) -> list[GenerationRequest]:
    return [GenerationRequest(key=f"k{i}", prompt=f"Question {i}?", **fields) for i in range(count)]


def after(failures: list[Reply | None]) -> Callable[[int, dict[str, Any]], Reply | None]:
    """First the failures in turn, then answers."""

    def script(number: int, body: dict[str, Any]) -> Reply | None:
        return failures[number] if number < len(failures) else as_json(said("Fine."))

    return script


def test_an_answer_comes_with_its_counts_and_its_cost() -> None:
    with endpoint(after([])) as server:
        model = at(server.url, input_price=Decimal(2), output_price=Decimal(10))
        prompt = (Message("system", "Be brief."), Message("user", "Why?"))
        request = GenerationRequest(
            key="a", prompt=prompt, max_tokens=7, temperature=0.5, seed=3, stop=("##",)
        )
        seen: list[Completion] = []
        (completion,) = model.generate([request], on_done=seen.append)
    assert completion == Completion(
        key="a",
        text="Fine.",
        finish_reason=FinishReason.STOP,
        prompt_tokens=10,
        completion_tokens=5,
        cost=Decimal("0.00007"),
    )
    assert seen == [completion]
    assert server.bodies == [
        {
            "model": "mock-1",
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 1.0,
            "seed": 3,
            "stop": ["##"],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Why?"},
            ],
        }
    ]
    assert server.keys == [f"Bearer {KEY}"]
    assert server.paths == ["/v1/chat/completions"]


PASSING: dict[str, Reply | None] = {
    "429": refusal(429, "Slow down", retry_after="0"),
    "500": refusal(500, "Oops"),
    "502 in HTML": (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"),
    "503 with a date": refusal(503, "Later", retry_after="Wed, 01 Jan 2020 00:00:00 GMT"),
    "junk": (200, {}, b"<html>Welcome</html>"),
    "half a JSON": (200, {}, b'{"choices": [{"message": {"cont'),
    "a list": as_json([1, 2]),
    "cut in the middle": None,
    "no choices": as_json({"choices": []}),
    "a choice of no known shape": as_json({"choices": [{"delta": {}}]}),
    "an error inside 200": as_json({"error": {"message": "overloaded"}}),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING.keys())
def test_what_may_pass_is_tried_again(failure: Reply | None) -> None:
    with endpoint(after([failure])) as server:
        (completion,) = at(server.url).generate(requests(1))
    assert (completion.text, completion.attempts) == ("Fine.", 2)
    assert len(server.bodies) == 2


def test_a_silent_endpoint_is_given_up_for_that_request() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        if "0" in body["messages"][0]["content"]:
            time.sleep(0.3)
        return as_json(said("Fine."))

    with endpoint(script) as server:
        model = at(server.url, timeout_seconds=0.1, parameters={"attempts": 2})
        slow, quick = model.generate(requests(2))
    assert slow.failed
    assert "No answer within 0.1 s. It was asked 2 times" in slow.error
    assert slow.attempts == 2
    assert quick.text == "Fine."


ENDING: dict[str, tuple[Reply, str]] = {
    "401": (refusal(401, f"Bad key {KEY}"), r"refuses the key in TEST_ENDPOINT_KEY \(401"),
    "404": (refusal(404, "No such model"), r"no model 'mock-1'.*/v1"),
    "no money": (refusal(429, "Quota", "insufficient_quota"), "wants to be paid"),
    "a long pause": (refusal(429, "Busy", retry_after="7200"), "asks to wait 7200 s"),
    "a redirect": ((301, {"Location": "https://elsewhere.example"}, b""), "sends elsewhere.*else"),
}


@pytest.mark.parametrize(("reply", "words"), ENDING.values(), ids=ENDING.keys())
def test_what_does_not_pass_ends_the_work_and_keeps_what_was_answered(
    reply: Reply, words: str
) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return as_json(said("Fine.")) if number == 0 else reply

    seen: list[Completion] = []
    with endpoint(script) as server, pytest.raises(ModelUnavailable, match=words) as raised:
        at(server.url).generate(requests(3), on_done=seen.append)
    assert KEY not in str(raised.value)
    assert [completion.key for completion in seen] == ["k0"]
    assert len(server.bodies) == 2, "asked once, and no third"


ALONE: dict[str, tuple[Reply, FinishReason, str]] = {
    "filtered prompt": (
        refusal(400, "Blocked by policy", "content_filter"), FinishReason.FILTERED, "filter",
    ),
    "filtered answer": (as_json(said(None, finish="content_filter")), FinishReason.FILTERED, ""),
    "refusal": (as_json(said(None, refusal="I won't.")), FinishReason.REFUSED, ""),
    "cut": (as_json(said("So far", finish="length")), FinishReason.LENGTH, ""),
    "too long": (
        refusal(400, "maximum context length is 4096", "context_length_exceeded"),
        FinishReason.FAILED,
        "Shorten the query",
    ),
    "bad request": (refusal(422, "no top_p here"), FinishReason.FAILED, "no top_p here"),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "reason", "words"), ALONE.values(), ids=ALONE.keys())
def test_what_concerns_one_prompt_ends_that_prompt(
    reply: Reply, reason: FinishReason, words: str
) -> None:
    with endpoint(after([reply])) as server:
        first, second = at(server.url).generate(requests(2))
    assert first.finish_reason is reason
    assert words in first.error
    assert first.failed == (reason is FinishReason.FAILED)
    assert second.text == "Fine."
    assert len(server.bodies) == 2
    if reason is FinishReason.REFUSED:
        assert first.text == "I won't."


def test_an_endpoint_that_is_down_is_not_asked_for_ever() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return refusal(500, "Down")

    with endpoint(script) as server, pytest.raises(ModelUnavailable, match="5 requests in a row"):
        at(server.url, parameters={"attempts": 2}).generate(requests(40))
    assert len(server.bodies) <= 12


def test_nobody_at_the_address() -> None:
    with endpoint(after([])) as server:
        address = server.url
    with pytest.raises(ModelUnavailable, match="Check the address and the network"):
        at(address, parameters={"attempts": 2}).generate(requests(1))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"location": "ftp://host/v1"}, "no address"),
        ({"location": "https:///v1"}, "no address"),
        ({"location": "https://me:secret@host/v1"}, "no user, password"),
        ({"model_id": ""}, "name at the endpoint is missing"),
        ({"key_variable": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
        ({"parameters": {"tempo": 3}}, "no parameter 'tempo'"),
        ({"parameters": {"attempts": "many"}}, "'attempts' can't be 'many'"),
    ],
)
def test_what_is_wrong_with_the_row_is_said(fields: dict[str, Any], words: str) -> None:
    given = dict(fields)
    with pytest.raises(ModelUnavailable, match=words):
        at(given.pop("location", "https://host/v1"), **given)


def test_a_backend_that_is_none() -> None:
    with pytest.raises(ModelUnavailable, match="no backend 'pigeon'"):
        load_language_model(ModelSpecification(name="x", kind="pigeon", location="y"))


def test_answers_under_way_are_kept_when_the_work_is_ended() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        time.sleep(0.02 if number == 0 else 0.2)
        return as_json(said("Fine."))

    class Stop(Exception):
        pass

    seen: list[str] = []

    def progress(done: int, total: int) -> None:
        if done:
            raise Stop

    with endpoint(script) as server, pytest.raises(Stop):
        at(server.url, parallel_requests=3).generate(
            requests(9), on_done=lambda own: seen.append(own.key), progress=progress
        )
    assert len(seen) == len(server.bodies) <= 4, "each that was asked is kept"


def _top(*rows: tuple[str, float]) -> dict[str, Any]:
    body = said("A")
    tokens = [{"token": token, "logprob": math.log(share)} for token, share in rows]
    body["choices"][0]["logprobs"] = {"content": [{"token": "A", "top_logprobs": tokens}]}
    return body


def test_letters_by_the_likeliest_tokens() -> None:
    with endpoint(lambda *_: as_json(_top(("A", 0.5), (" B", 0.2), ("x", 0.1)))) as server:
        scores = at(server.url).next_letters(["Which?", "Or?"], "AB")
    expected = [[math.log(0.5), -np.inf], [-np.inf, math.log(0.2)]]
    np.testing.assert_allclose(scores.scores[1], expected)
    np.testing.assert_allclose(scores.letter_mass, 0.7)
    assert server.bodies[0]["logprobs"] is True
    assert (server.bodies[0]["top_logprobs"], server.bodies[0]["max_tokens"]) == (20, 1)


def test_an_endpoint_without_log_probabilities_says_so() -> None:
    with endpoint(after([])) as server:
        with pytest.raises(AbilityMissing, match="without log-probabilities"):
            at(server.url).next_letters(["Which?"], "AB")
        none = at(server.url, parameters={"top_logprobs": 0})
        with pytest.raises(AbilityMissing, match="can't give this"):
            none.next_letters(["Which?"], "AB")
        with pytest.raises(AbilityMissing, match="plain"):
            at(server.url).option_likelihoods(["Which?"], [["a"]])
    assert none.abilities == {Ability.GENERATE}
    with endpoint(lambda *_: refusal(422, "no")) as server, pytest.raises(RequestFailed, match="1"):
        at(server.url).next_letters(["Which?"], "AB")


def test_plain_text_and_the_likelihood_of_options() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        if not body.get("echo"):
            top = {"top_logprobs": [{" A": math.log(0.25), "B": math.log(0.5)}]}
            return as_json({"choices": [{"text": " A", "logprobs": top, "finish_reason": "stop"}]})
        assert body["prompt"] in ("It is red", "It is dark blue")
        offsets = [0, 2, 5, len(body["prompt"])] if "red" in body["prompt"] else [0, 2, 5, 10, 15]
        values = [None, -9.0, -1.5, -7.0] if "red" in body["prompt"] else [None, -9, -1, -3, -7]
        logprobs = {"text_offset": offsets, "token_logprobs": values}
        return as_json({"choices": [{"text": body["prompt"] + "!", "logprobs": logprobs}]})

    with endpoint(script) as server:
        model = at(server.url, template=TemplateKind.PLAIN)
        (scores,) = model.option_likelihoods(["It is"], [[" red", " dark blue"]])
        letters = model.next_letters(["Which?"], "AB")
        (completion,) = model.generate(requests(1))
    assert scores.total.tolist() == [-1.5, -4.0]
    assert scores.mean.tolist() == [-1.5, -2.0]
    assert scores.tokens.tolist() == [1, 2]
    np.testing.assert_allclose(letters.letter_mass, 0.75)
    assert completion.text == "A"
    assert set(server.paths) == {"/v1/completions"}


def test_the_pace_keeps_below_both_limits() -> None:
    now = [0.0]
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    pace = Pace(requests=2, tokens=100, wait=pause, clock=lambda: now[0])
    pace.take(10)
    pace.take(10)
    assert waited == []
    pace.take(10)
    assert sum(waited) == 60, "the third waits until the first is a minute old"
    pace.take(500)
    assert now[0] == 120, "one above the limit is sent once nothing else was for a minute"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2.5", 2.5), ("-1", 0.0), ("soon", None), ("inf", None), (None, None), ("", None),
     ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0)],
)  # fmt: skip
def test_what_an_endpoint_asks_to_wait(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=10.0) == seconds
