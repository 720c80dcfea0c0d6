"""The lottery beside `sortition-algorithms`: seconds, smallest chance, Gini, memory, in one run.

Run `python benchmarks/lottery.py [pool ...]` from the repository's root. Pools are read from
`../shared/data/pools` where that folder exists; Alternate(n, k) is made here. The peer is GPL-3 and
no dependency: it is installed into a scratch environment of its own and run as a process. Each
search, ours or theirs, is a process of its own, so that memory is its own; seconds are those of the
search alone, without starting Python or reading files. On a busy machine compare CPU seconds; the
ratio is of those, against the first of our methods.
"""

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from juries.domain.comparison import summarise  # noqa: E402  # the path is set above
from juries.domain.lottery import SELECTION_METHODS, find_lottery  # noqa: E402  # as above
from juries.domain.pool_files import (  # noqa: E402  # as above
    as_profiles,
    as_quotas,
    parse_categories,
    parse_respondents,
)

POOLS = ROOT.parent / "shared" / "data" / "pools"
ALTERNATES = {"alternate_200_20": (200, 20), "alternate_2000_200": (2000, 200)}
STORED = ("tight_150_24", "synth_200_40", "synth_1000_100", "synth_3000_150")

PEER = """
import csv, json, resource, sys, time
from importlib.metadata import version
from sortition_algorithms import Settings, read_in_features, read_in_people
from sortition_algorithms.committee_generation import find_distribution_maximin
folder, size, solver = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(f"{folder}/categories.csv") as file:
    rows = [(*list(row.values())[:2], row["min"], row["max"]) for row in csv.DictReader(file)]
head = ["feature", "value", "min", "max"]
features = read_in_features(head, [dict(zip(head, row)) for row in rows])[0]
with open(f"{folder}/respondents.csv") as file:
    body = list(csv.DictReader(file))
settings = Settings(id_column="id", columns_to_keep=[])
people, _ = read_in_people(list(body[0]), body, features, settings)
started, worked = time.perf_counter(), time.process_time()
panels, weights, _ = find_distribution_maximin(features, people, size, [], solver)
seconds, cpu = time.perf_counter() - started, time.process_time() - worked
chances = {row["id"]: 0.0 for row in body}
for panel, weight in zip(panels, weights):
    for member in panel:
        chances[member] += weight
able = set().union(*panels)
values = sorted(chances.values())
count = len(values)
gini = sum((2 * rank - count - 1) * value for rank, value in enumerate(values, 1))
print(json.dumps({
    "seconds": seconds,
    "cpu": cpu,
    "smallest": min(chances[member] for member in able),
    "gini": gini / (count * sum(values)),
    "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "version": version("sortition-algorithms"),
}))
"""


def write_alternate(folder: Path, n: int, k: int) -> None:
    """Half male conservatives, half less one female liberals, one female conservative."""
    groups = [("male", "conservative")] * (n // 2) + [("female", "liberal")] * (n // 2 - 1)
    groups.append(("female", "conservative"))
    values = ("gender", "male"), ("gender", "female"), ("party", "liberal")
    with (folder / "categories.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["category", "feature", "min", "max"])
        writer.writerows([*pair, k // 2 - 1, k] for pair in (*values, ("party", "conservative")))
    with (folder / "respondents.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "gender", "party"])
        writer.writerows([f"a{place:05d}", *group] for place, group in enumerate(groups))


def search(folder: Path, size: int, method: str) -> dict[str, Any]:
    """Find one lottery in this process."""
    categories = parse_categories(content=(folder / "categories.csv").read_bytes())
    respondents = parse_respondents(
        content=(folder / "respondents.csv").read_bytes(), categories=categories
    )
    worked = time.process_time()
    found = find_lottery(
        candidates=as_profiles(respondents),
        quotas=as_quotas(categories),
        size=size,
        method=method,
    )
    cpu = time.process_time() - worked
    summary = summarise(found)
    return {
        "seconds": found.seconds,
        "cpu": cpu,
        "smallest": found.smallest_chance,
        "gini": summary.everyone.gini,
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "gap": found.gap,
        "proven": found.is_proven,
    }


def in_process(command: list[str], limit: float) -> dict[str, Any] | str:
    """The last line of a process as JSON, or why there is none."""
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        return f"not done in {limit:.0f} s"
    if ended.returncode:
        return f"failed: {(ended.stderr.strip().splitlines() or ['without a word'])[-1][:60]}"
    result: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return result


def peer_python(folder: Path, solvers: list[str]) -> Path:
    """The peer's interpreter; installs it where it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing sortition-algorithms into {folder} ...", flush=True)
        venv.create(folder, with_pip=True)
        # The peer hands python-mip names that its version 2 doesn't take.
        cbc = ["mip<2"] if any(solver.startswith("mip") for solver in solvers) else []
        wanted = ["sortition-algorithms", *cbc]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def line(pool: str, who: str, result: dict[str, Any] | str, ours: float | None = None) -> None:
    """Print one line of the table; for the peer, how many times the CPU time of `ours`."""
    if isinstance(result, str):
        print(f"{pool:19} {who:26} {result}", flush=True)
        return
    ratio = f"{result['cpu'] / ours:8.0f} x" if ours else ""
    note = f"{result['gap']:.0e} {result['proven']}" if "gap" in result else ""
    print(
        f"{pool:19} {who:26} {result['seconds']:9.2f} {result['cpu']:9.2f}"
        f" {100 * result['smallest']:9.4f} % {result['gini']:7.4f} {result['mebibytes']:7.0f}"
        f" {ratio:>10} {note}",
        flush=True,
    )


def compare(pool: str, folder: Path, options: argparse.Namespace, peer: Path | None) -> None:
    """All runs of one pool."""
    size = int(pool.rsplit("_", 1)[1])
    fastest: float | None = None
    for method in options.methods:
        command = [sys.executable, __file__, "--search", str(folder), str(size), method]
        result = in_process(command, options.limit)
        line(pool, f"venire {method}", result)
        if not isinstance(result, str) and method == options.methods[0]:
            fastest = result["cpu"]
    if peer is None:
        return
    for solver in options.solvers:
        command = [str(peer), "-c", PEER, str(folder), str(size), solver]
        result = in_process(command, options.limit)
        line(pool, f"peer maximin, {solver}", result, fastest)


def main() -> None:
    """Print one line a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pools", nargs="*", default=[*ALTERNATES, *STORED])
    parser.add_argument("--methods", nargs="*", default=["leximin", "maximin"])
    parser.add_argument("--solvers", nargs="*", default=["highspy", "mip-cbc"], help="the peer's")
    parser.add_argument("--limit", type=float, default=420.0, help="seconds for each run")
    parser.add_argument("--no-peer", action="store_true", help="only our own runs")
    parser.add_argument("--peer-environment", type=Path, help="where the peer is, or is to be")
    parser.add_argument("--search", nargs=3, metavar=("FOLDER", "SIZE", "METHOD"))
    options = parser.parse_args()
    if options.search:
        folder, size, method = options.search
        print(json.dumps(search(Path(folder), int(size), method)))
        return
    unknown = set(options.methods) - set(SELECTION_METHODS)
    if unknown:
        parser.error(f"no method {min(unknown)!r}; there are: {', '.join(SELECTION_METHODS)}")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" {platform.system()}, Python {platform.python_version()}, highspy {version('highspy')},"
        f" numpy {version('numpy')}, scipy {version('scipy')}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        peer = None
        if not options.no_peer:
            place = options.peer_environment or Path(scratch) / "peer"
            peer = peer_python(place, options.solvers)
            asked = "from importlib.metadata import version; print(version('sortition-algorithms'))"
            told = subprocess.run([peer, "-c", asked], capture_output=True, text=True, check=True)
            print(f"peer: sortition-algorithms {told.stdout.strip()}")
        print(
            f"{'pool':19} {'search':26} {'seconds':>9} {'CPU':>9} {'smallest':>11} {'Gini':>7}"
            f" {'MiB':>7} {'ratio':>10} gap, proven"
        )
        for pool in options.pools:
            folder = POOLS / pool
            if pool in ALTERNATES:
                folder = Path(scratch) / pool
                folder.mkdir()
                write_alternate(folder, *ALTERNATES[pool])
            if not folder.is_dir():
                print(f"{pool:19} skipped: no pool of this name at {POOLS}")
                continue
            compare(pool, folder, options, peer)


if __name__ == "__main__":
    main()
