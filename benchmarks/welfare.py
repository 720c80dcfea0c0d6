"""Seconds and memory of the sweep along alpha, beside the plain loop over resamples.

Run `python benchmarks/welfare.py [jurors items bootstraps]` from the repository's root; the default
is 200 jurors, 2,000 items and 2,000 resamples, at the nine alphas of the usual plot. The plain loop
takes each resample's rows and calls `power_welfare`; it is timed on 5 resamples and multiplied up,
which is said in its line. Set OMP_NUM_THREADS for the number of cores.
"""

import os
import platform
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from math import inf
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from juries.domain.alpha_sweep import alpha_sweep  # noqa: E402  # the path is set above
from juries.domain.bridging import bridging  # noqa: E402  # as above
from juries.domain.crossings import ALPHAS  # noqa: E402  # as above
from juries.domain.failure_modes import influence  # noqa: E402  # as above
from juries.domain.resampling import PredictedCells, resample_counts  # noqa: E402  # as above
from juries.domain.verdicts import JurySpecification, seat_kind, verdicts  # noqa: E402  # as above
from juries.domain.voting.ballots import from_utilities  # noqa: E402  # as above
from juries.domain.voting.registry import VOTING_RULES  # noqa: E402  # as above
from juries.domain.welfare import FloatArray, power_welfare  # noqa: E402  # as above

SOURCES = 4
STRATA = 5
SAMPLED = 5
GUESSED = 0.2
RESPONSES = 20


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock and of the processor; they differ where the machine is shared."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.3f} s ({self.processor:.3f} s of processor)"


def timed(task: Callable[[], object]) -> Took:
    """How long it takes, once."""
    clock, processor = perf_counter(), process_time()
    task()
    return Took(perf_counter() - clock, process_time() - processor)


def plain_loop(utilities: FloatArray, counts: FloatArray, sources: list[str]) -> None:
    """The bands without any trick: one resample and one alpha at a time."""
    owners = np.array(sources)
    for count in counts.astype(int):
        drawn = utilities[np.repeat(np.arange(len(utilities)), count)]
        for alpha in ALPHAS:
            if alpha < inf:
                items = power_welfare(drawn, alpha=alpha)
                for source in sorted(set(sources)):
                    items[owners == source].mean()


def peak() -> str:
    """Largest memory of this process so far."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most so far"


def main(jurors: int, items: int, bootstraps: int) -> None:
    """Print one line a measurement."""
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, OMP_NUM_THREADS {threads}, Python"
        f" {platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}"
    )
    print(f"{jurors} jurors, {items} items, {bootstraps} resamples, {len(ALPHAS)} alphas")
    rng = np.random.default_rng(0)
    utilities = rng.choice(np.linspace(0.01, 1, 7), (jurors, items))
    sources = [f"source {place % SOURCES}" for place in range(items)]
    strata = [str(place % STRATA) for place in range(jurors)]

    def sweep(predicted: PredictedCells | None) -> None:
        alpha_sweep(
            utilities,
            item_sources=sources,
            rng=np.random.default_rng(1),
            strata=strata,
            bootstraps=bootstraps,
            predicted=predicted,
        )

    counts = resample_counts(strata=strata, bootstraps=SAMPLED, rng=rng)
    few = timed(lambda: plain_loop(utilities, counts, sources))
    plain = few.processor / SAMPLED * bootstraps
    print(
        f"plain loop, bands of the {len(ALPHAS) - 1} finite alphas only: {plain:.0f} s of"
        f" processor, extrapolated from {SAMPLED} resamples"
    )
    took = timed(lambda: sweep(None))
    print(f"sweep with bands, leads, tails and crossings: {took}, {peak()}")
    print(f"that is {plain / took.processor:.0f} times as fast as the plain loop")
    deviations = np.where(rng.random(utilities.shape) < GUESSED, 0.15, np.nan)
    took = timed(lambda: sweep(PredictedCells(deviations)))
    print(f"the same with {GUESSED:.0%} of the cells drawn anew: {took}, {peak()}")
    names = [str(place) for place in range(items)]
    took = timed(lambda: influence(utilities, responses=names, alpha=2))
    print(f"each juror left out, all items, alpha 2: {took}")
    traits = [{"group": label} for label in strata]
    seats = JurySpecification(
        tuple((seat_kind({"group": str(place)}), 2) for place in range(STRATA))
    )
    took = timed(lambda: verdicts(utilities, traits=traits, specification=seats, seed=0))
    print(f"verdicts of 100 juries of {seats.size}, all items: {took}")
    ballots = from_utilities(utilities[:, :RESPONSES])
    for name, rule in VOTING_RULES.items():
        print(f"{name}, {RESPONSES} responses: {timed(partial(rule, ballots))}")
    took = timed(lambda: bridging((utilities > 0.5) * 1.0, rng=rng))
    print(f"bridging of pure noise, the slowest case, all items: {took}")


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:]] or [200, 2000, 2000]
    main(*chosen)
