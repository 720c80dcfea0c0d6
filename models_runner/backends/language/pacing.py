"""Staying below the rates that an endpoint allows, and waiting between attempts."""

import threading
import time
from collections import deque
from collections.abc import Callable
from email.utils import parsedate_to_datetime

MINUTE = 60.0


class Pace:
    """At most so many requests and so many tokens in any minute; shared by threads.

    Args:
        requests: in a minute; 0: no limit.
        tokens: in a minute; 0: no limit.
        wait: called with seconds; how waiting is done, so that it can be broken off.
        clock: seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        requests: int,
        tokens: int,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._wait = wait
        self._clock = clock
        self._past: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def take(self, tokens: int) -> None:
        """Wait until a request of so many tokens may be sent, and count it as sent.

        A request that alone exceeds the limit is sent once nothing else was for a minute.
        """
        while (seconds := self._try(tokens)) > 0:
            self._wait(seconds)

    def _try(self, tokens: int) -> float:
        with self._lock:
            now = self._clock()
            while self._past and self._past[0][0] <= now - MINUTE:
                self._past.popleft()
            used = sum(own for _, own in self._past)
            full = bool(self._requests) and len(self._past) >= self._requests
            heavy = bool(self._tokens) and bool(self._past) and used + tokens > self._tokens
            if full or heavy:
                return max(self._past[0][0] + MINUTE - now, 0.01)
            self._past.append((now, tokens))
            return 0.0


def seconds_to_wait(header: str | None, *, now: float) -> float | None:
    """What a Retry-After header asks for: seconds, or a date; None where it says nothing.

    Args:
        header: as it came.
        now: seconds since 1970, for dates.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None
