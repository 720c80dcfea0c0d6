"""Sending: again where it may help, and what an answer means that is none."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from models_runner.backends.language.openai_compatible.calls import Calls
from models_runner.backends.language.openai_compatible.failures import (
    BrokenOff,
    GaveUp,
    Passing,
    Withheld,
)
from models_runner.backends.language.openai_compatible.replies import error_message
from models_runner.backends.language.pacing import Pace, seconds_to_wait
from models_runner.ports import ModelSpecification, ModelUnavailable, RequestFailed
from venire import environment

ATTEMPTS = 6
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_ASKED_WAIT = 600.0
"""An endpoint that wants a longer pause than this has shut for now."""

PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many attempts."""

    body: dict[str, Any]
    attempts: int


class Endpoint:
    """Where a model is asked: with the key, below its rates, and so often as may help.

    Args:
        specification: of the model; "attempts" and "first_wait" of its parameters count here.
        path: behind the address, where requests are posted.

    Raises:
        ModelUnavailable: the address is none, the model has no name there, or the variable with
            the key is not set.
    """

    def __init__(self, specification: ModelSpecification, *, path: str) -> None:
        self._specification = specification
        self._called = specification.name
        self._path = path
        self._base = _base_address(specification)
        self._key = _key(specification)
        own = specification.parameters
        self.attempts = max(1, int(own.get("attempts", ATTEMPTS)))
        self._first_wait = float(own.get("first_wait", FIRST_WAIT))
        self._over = threading.Event()
        self._pace = Pace(
            requests=specification.requests_per_minute,
            tokens=specification.tokens_per_minute,
            wait=self._pause,
        )

    @contextmanager
    def connected(self) -> Iterator[httpx2.Client]:
        """Connections for one piece of work."""
        self._over.clear()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        with httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(self._specification.timeout_seconds, connect=10.0),
            limits=httpx2.Limits(max_connections=self._specification.parallel_requests),
        ) as client:
            yield client

    @contextmanager
    def calls(self, calls: Sequence[Callable[[], T]]) -> Iterator[Calls[T]]:
        """Make the calls, so many at once as the endpoint allows; waiting ends when they do."""
        made = Calls(calls, parallel=self._specification.parallel_requests, over=self._over)
        try:
            yield made
        finally:
            made.end()

    def ask(
        self,
        client: httpx2.Client,
        body: Mapping[str, Any],
        *,
        check: Callable[[dict[str, Any]], object],
    ) -> Answer:
        """Send one request until it is answered, or until it is plain that it won't be."""
        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=self._wait_before_next,
            retry=retry_if_exception_type(Passing),
            sleep=self._pause,
            reraise=True,
        )
        attempts = 0
        try:
            for attempt in retrying:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    self._pace.take(_tokens_at_most(body))
                    answer = self._send(client, body)
                    check(answer)
                    return Answer(body=answer, attempts=attempts)
        except Passing as failure:
            message = f"{failure} It was asked {attempts} times."
            if isinstance(failure.__cause__, httpx2.ConnectError):
                raise ModelUnavailable(
                    f"{self._called}: {message} Check the address and the network."
                ) from failure
            raise GaveUp(f"{self._called}: {message} Start again later.") from failure
        raise AssertionError("retrying ends with an answer or an exception")

    def _wait_before_next(self, state: RetryCallState) -> float:
        """What the endpoint asks for; else twice as long each time, spread by chance."""
        raised = state.outcome.exception() if state.outcome else None
        if isinstance(raised, Passing) and raised.wait is not None:
            return raised.wait
        longest = min(self._first_wait * 2 ** (state.attempt_number - 1), LONGEST_WAIT)
        return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing

    def _pause(self, seconds: float) -> None:
        if self._over.wait(seconds):
            raise BrokenOff

    def _send(self, client: httpx2.Client, body: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self._base}/{self._path}"
        if self._over.is_set():
            raise BrokenOff
        try:
            response = client.post(url, json=dict(body))
        except httpx2.TimeoutException as problem:
            raise Passing(
                f"No answer within {self._specification.timeout_seconds:g} s."
            ) from problem
        except httpx2.TransportError as problem:
            raise Passing(f"The connection to {self._base} failed: {problem}.") from problem
        if response.status_code >= 300:
            self._refuse(response)
        try:
            found = response.json()
        except ValueError as problem:
            raise Passing(f"The answer is no JSON: {self._shown(response.text)!r}.") from problem
        if not isinstance(found, dict):
            raise Passing(f"The answer is no JSON object: {self._shown(response.text)!r}.")
        if "choices" not in found and found.get("error"):
            # Some gateways answer 200 and tell of the failure inside.
            raise Passing(f"The endpoint says: {self._shown(error_message(found))}.")
        return found

    def _refuse(self, response: httpx2.Response) -> None:
        """Raise what an answer other than 2xx means."""
        status = response.status_code
        try:
            told = response.json()
        except ValueError:
            told = None
        said = self._shown(error_message(told) or response.text) or "nothing more"
        error = told.get("error") if isinstance(told, dict) else None
        code = str((error or {}).get("code") or "") if isinstance(error, dict) else ""
        start = f"{self._called}: the endpoint {self._base}"
        variable = self._specification.key_variable
        if status in (401, 403):
            key = f"the key in {variable}" if variable else "requests without a key"
            raise ModelUnavailable(
                f"{start} refuses {key} ({status}: {said}). Set a valid key where the worker runs"
                f"{'' if variable else ', and name its variable in the registry'}."
            )
        if code == "insufficient_quota" or status == 402:
            raise ModelUnavailable(f"{start} wants to be paid ({status}: {said}). Top up there.")
        if status == 404:
            raise ModelUnavailable(
                f"{start} has no model {self._specification.model_id!r}, or no such address"
                f" ({said}). Check both in the registry; the address usually ends in /v1."
            )
        if 300 <= status < 400:
            raise ModelUnavailable(
                f"{start} sends elsewhere ({status}, to"
                f" {response.headers.get('location', 'nowhere')}). Register that address."
            )
        if status in PASSING:
            asked_for = seconds_to_wait(response.headers.get("retry-after"), now=time.time())
            if asked_for is not None and asked_for > LONGEST_ASKED_WAIT:
                raise ModelUnavailable(
                    f"{start} asks to wait {asked_for:.0f} s ({status}: {said}). Start again then."
                )
            raise Passing(f"The endpoint answered {status}: {said}.", wait=asked_for)
        if "content_filter" in code or "content management" in said:
            raise Withheld(f"The endpoint's filter refused the prompt: {said}")
        if "context_length" in code or "maximum context" in said or "too long" in said:
            raise RequestFailed(
                f"{self._called}: the prompt and {_wanted_tokens(response)} tokens of answer don't"
                f" fit the model's context ({said}). Shorten the query or ask for fewer tokens."
            )
        raise RequestFailed(f"{self._called}: the endpoint refused the request ({status}: {said}).")

    def _shown(self, text: str) -> str:
        """Text of the endpoint, short, on one line, and without the key."""
        short = " ".join(text.split())
        if self._key:
            short = short.replace(self._key, "(the key)")
        return short[:200]


def _base_address(specification: ModelSpecification) -> str:
    parts = urlsplit(specification.location)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelUnavailable(
            f"{specification.name}: {specification.location!r} is no address of an endpoint; write"
            " it like https://host/v1."
        )
    if parts.username or parts.password or parts.query:
        raise ModelUnavailable(
            f"{specification.name}: the address must hold no user, password or query. Put the key"
            " into an environment variable and name that."
        )
    if not specification.model_id:
        raise ModelUnavailable(
            f"{specification.name}: the model's name at the endpoint is missing."
        )
    return specification.location.rstrip("/")


def _key(specification: ModelSpecification) -> str:
    variable = specification.key_variable
    if not variable:
        return ""
    key = environment.variable(variable)
    if not key:
        raise ModelUnavailable(
            f"{specification.name}: the environment variable {variable} is not set where the worker"
            " runs. Set it to the endpoint's key and restart the worker."
        )
    if not key.isascii() or any(c.isspace() for c in key):
        raise ModelUnavailable(
            f"{specification.name}: the key in {variable} has spaces or letters that no key has."
            " Copy it anew."
        )
    return key


def _tokens_at_most(body: Mapping[str, Any]) -> int:
    """About how many tokens a request takes: four letters a token, and what may be written."""
    words = body.get("prompt") or "".join(m["content"] for m in body.get("messages", ()))
    return len(str(words)) // 4 + _max_tokens(body)


def _max_tokens(body: Mapping[str, Any]) -> int:
    return max((v for k, v in body.items() if "max" in k and isinstance(v, int)), default=0)


def _wanted_tokens(response: httpx2.Response) -> int:
    return _max_tokens(json.loads(response.request.content))
