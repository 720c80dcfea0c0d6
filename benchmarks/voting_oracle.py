"""Our voting rules beside those of the package pref_voting, on 1,000 random profiles a rule.

pref_voting (MIT) brings several hundred MB and pins of its own, so it is no dependency, not even of
the tests. Give it an environment: `python -m venv /tmp/oracle && /tmp/oracle/bin/pip install
pref_voting`, then run `/tmp/oracle/bin/python benchmarks/voting_oracle.py [seed]` from the
repository's root. The domain code needs only numpy and scipy.
"""

import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from juries.domain.voting.ballots import Ballots, from_ranks, from_utilities  # noqa: E402  # the path is set above
from juries.domain.voting.minimax import VonNeumann  # noqa: E402  # as above
from juries.domain.voting.registry import voting_rule  # noqa: E402  # as above

PROFILES = 1000


def ranks(rng: np.random.Generator, *, ties: bool) -> NDArray[np.int64]:
    """Random ranks (jurors, responses), with or without ties."""
    jurors, responses = int(rng.integers(1, 26)), int(rng.integers(2, 8))
    if ties:
        return rng.integers(1, responses + 1, (jurors, responses))
    return np.array([rng.permutation(responses) + 1 for _ in range(jurors)])


def linear(table: NDArray[np.int64], profiles: Any) -> Any:
    """Their profile of strict orders."""
    return profiles.Profile([tuple(int(place) for place in np.argsort(row)) for row in table])


def with_ties(table: NDArray[np.int64], tied: Any) -> Any:
    """Their profile of weak orders."""
    rows = [{place: int(rank) for place, rank in enumerate(row)} for row in table]
    return tied.ProfileWithTies(rows)


def winners(name: str, ballots: Ballots) -> list[int]:
    """Our winners as their numbers."""
    return sorted(int(response) - 1 for response in voting_rule(name)(ballots).winners)


def by_utilities(rng: np.random.Generator) -> int:
    """Compare the rules that add up sizes; the number that differ.

    Utilities are random numbers; for the minimum they are five steps, so that leximin has ties to
    break. Their Nash product is one over a status quo, for which a response of utility 0 is added.
    """
    from pref_voting import utility_methods
    from pref_voting.utility_profiles import UtilityProfile

    methods = {
        "utilitarian": utility_methods.sum_utilitarian,
        "relative_utilitarian": utility_methods.relative_utilitarian,
        "rawls": utility_methods.lexicographic_maximin,
        "nash": utility_methods.nash,
    }
    differ = 0
    for name, method in methods.items():
        same, started = 0, perf_counter()
        for _ in range(PROFILES):
            shape = int(rng.integers(1, 26)), int(rng.integers(2, 8))
            steps = (
                rng.integers(1, 6, shape) / 5 if name == "rawls" else rng.uniform(0.01, 1, shape)
            )
            shift = int(name == "nash")
            theirs = np.hstack([np.zeros((len(steps), shift)), steps])
            profile = UtilityProfile([dict(enumerate(row.tolist())) for row in theirs])
            expected = sorted(int(place) - shift for place in method(profile))
            same += winners(name, from_utilities(steps)) == expected
        differ += same < PROFILES
        print(f"{name}: {same} of {PROFILES} the same, {perf_counter() - started:.1f} s")
    return differ


def lottery_agrees(ballots: Ballots, theirs: dict[Any, float]) -> tuple[bool, bool]:
    """Whether their lottery is ours (or one of ours), and whether there is only one."""
    ours = VonNeumann()(ballots)
    chances = np.array([theirs.get(place, 0.0) for place in range(len(ours.responses))])
    if ours.is_unique:
        return bool(np.abs(chances - ours.scores).max() < 1e-6), True
    inside = (chances >= ours.lowest - 1e-6).all() and (chances <= ours.highest + 1e-6).all()
    both = np.vstack([chances, ours.scores])
    return bool(inside and (both @ ours.margins >= -1e-6).all()), False


def main(seed: int) -> int:
    """Print one line a rule; the exit status is the number of rules that differ."""
    # These exist only where pref_voting is installed.
    from pref_voting import margin_based_methods as margin_based
    from pref_voting import profiles, profiles_with_ties
    from pref_voting.c1_methods import copeland
    from pref_voting.probabilistic_methods import maximal_lottery
    from pref_voting.scoring_methods import borda, plurality

    warnings.simplefilter("ignore")
    print(
        f"{platform.machine()}, Python {platform.python_version()},"
        f" pref_voting {version('pref_voting')}, scipy {version('scipy')}, seed {seed}"
    )
    rng = np.random.default_rng(seed)
    differ = 0
    strict = {"schulze": margin_based.beat_path, "borda": borda, "copeland": copeland}
    for name, method in {**strict, "plurality": plurality}.items():
        same, started = 0, perf_counter()
        for _ in range(PROFILES):
            table = ranks(rng, ties=False)
            expected = sorted(int(place) for place in method(linear(table, profiles)))
            same += winners(name, from_ranks(table)) == expected
        differ += same < PROFILES
        print(f"{name}: {same} of {PROFILES} the same, {perf_counter() - started:.1f} s")
    same, started = 0, perf_counter()
    for _ in range(PROFILES):
        table = ranks(rng, ties=True)
        theirs = with_ties(table, profiles_with_ties)
        expected = margin_based.beat_path(theirs, strength_function=theirs.support)
        same += winners("schulze", from_ranks(table)) == sorted(int(place) for place in expected)
    differ += same < PROFILES
    print(
        f"schulze, ties, winning votes: {same} of {PROFILES} the same,"
        f" {perf_counter() - started:.1f} s"
    )
    for ties in (False, True):
        same, single, started = 0, 0, perf_counter()
        for _ in range(PROFILES):
            table = ranks(rng, ties=ties)
            theirs = with_ties(table, profiles_with_ties) if ties else linear(table, profiles)
            agrees, unique = lottery_agrees(from_ranks(table), maximal_lottery(theirs))
            same, single = same + agrees, single + unique
        differ += same < PROFILES
        print(
            f"von_neumann{', ties' if ties else ''}: {same} of {PROFILES} the same ({single} are"
            f" unique; theirs is an optimal one in the rest), {perf_counter() - started:.1f} s"
        )
    return differ + by_utilities(rng)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
