"""Calls made so many at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Calls(Generic[T]):
    """Calls made so many at once.

    Args:
        calls: without arguments.
        parallel: how many at once.
        over: set when the work ends, for whatever reason; ends the waiting inside calls.
    """

    def __init__(
        self, calls: Sequence[Callable[[], T]], *, parallel: int, over: threading.Event
    ) -> None:
        self._left = iter(enumerate(calls))
        self._running: dict[Future[T], int] = {}
        self._parallel = parallel
        self._over = over
        self._pool = ThreadPoolExecutor(max_workers=parallel)

    def each(self, *, alive: Callable[[], None] = lambda: None) -> Iterator[tuple[int, T]]:
        """Place and result of each call as it ends; what one raises is raised here.

        `alive` is called at least every half second, in the calling thread.
        """
        while True:
            while len(self._running) < self._parallel:
                following = next(self._left, None)
                if following is None:
                    break
                self._running[self._pool.submit(following[1])] = following[0]
            if not self._running:
                return
            finished, _ = wait(self._running, timeout=0.5, return_when=FIRST_COMPLETED)
            if not finished:
                alive()
            problem: BaseException | None = None
            for future in finished:
                place = self._running.pop(future)
                if (raised := future.exception()) is not None:
                    problem = raised
                else:
                    yield place, future.result()
            if problem is not None:
                raise problem

    def rest(self) -> Iterator[tuple[int, T]]:
        """Start nothing more, and give the results of what is under way."""
        self._over.set()
        wait(self._running)
        for future, place in self._running.items():
            if future.exception() is None:
                yield place, future.result()
        self._running = {}

    def end(self) -> None:
        """Let go of the threads."""
        self._over.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def bound(function: Callable[..., T], *args: Any) -> Callable[[], T]:
    """The call of the function with its arguments."""
    return lambda: function(*args)
