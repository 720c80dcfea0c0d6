"""Answers that may wait for their Run, for callers that want one request and one answer."""

from time import monotonic, sleep

from rest_framework.request import Request

from juries.api.problems import InputError, InvalidInput
from juries.models import Run

MOST_WAIT = 30
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


def seconds_to_wait(request: Request) -> float:
    """The parameter `wait`, 0 if it is left out.

    Raises:
        InvalidInput: it is no number of seconds, or too many.
    """
    written = request.query_params.get("wait", "0")
    try:
        seconds = float(written)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_WAIT:
        raise InvalidInput(
            InputError(
                f"{written!r} is no number of seconds from 0 to {MOST_WAIT}. A longer wait is "
                "several requests: ask for the address in `Location` again.",
                parameter="wait",
            )
        )
    return seconds


def wait_for(run: Run, *, seconds: float) -> None:
    """Look at a Run until it has ended or the time is over; `run` is then as it stands."""
    end = monotonic() + seconds
    pause = _FIRST_PAUSE
    while not run.is_final and (left := end - monotonic()) > 0:
        sleep(min(pause, left))
        pause = min(1.5 * pause, _LONGEST_PAUSE)
        run.refresh_from_db(
            fields=["state", "result", "error", "progress_done", "progress_total", "finished_at"]
        )
