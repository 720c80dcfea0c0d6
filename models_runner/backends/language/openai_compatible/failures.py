"""What can go wrong between the worker and an endpoint."""

from models_runner.ports import RequestFailed


class Passing(Exception):
    """A failure that may pass; `wait` is what the endpoint asks for, in seconds."""

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Withheld(Exception):
    """The endpoint's filter took the prompt or the answer."""


class BrokenOff(Exception):
    """The work has ended; nothing more is asked."""


class GaveUp(RequestFailed):
    """A failure that may pass has not passed in all attempts."""
