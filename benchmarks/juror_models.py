"""Jurors' functions on real ratings, and their speed.

Run `python benchmarks/juror_models.py [popquorn] [dices] [speed] [preferences] [network]` from the
repository's root; all but the last, which takes many minutes, unless named. Data are read from
`../shared/data` (or what `--data` names); what is missing is skipped with the reason. Errors are
means over five splits with their smallest and largest value. The reference stands beside them: a
forty-line version of the same idea on the same encoder (means, not medians; its authors' splits).
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

POPQUORN_REFERENCE = {0: 0.926, 5: 0.842, 20: 0.796, 35: 0.785}
DICES_REFERENCE = 0.805
JURORS, RATINGS, DIMENSIONS, ITEMS, LOOP, FEW = 10_000, 50, 64, 2_000, 500, 25
PENALTIES = tuple(np.logspace(-4, 3, 15))
NEW_RATINGS = 10


def main() -> None:
    """Measures what was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="popquorn, dices, speed, preferences, network")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, help="folder of computed vectors, kept for next time")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    wanted = options.what or ["popquorn", "dices", "speed", "preferences"]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="venire.settings",
            VENIRE_VAR_DIR=folder,
            VENIRE_LOG_LEVEL="WARNING",
        )
        import django

        django.setup()
        cache = options.cache or Path(folder) / "vectors"
        if "speed" in wanted:
            measure_speed()
        if "popquorn" in wanted:
            measure_popquorn(options.data, cache, options.seeds)
        if "dices" in wanted:
            measure_dices(options.data, cache, options.seeds)
        if "preferences" in wanted:
            measure_made_up_preferences()
        if "network" in wanted:
            measure_jury_learning(options.data, options.seeds)


def popquorn(data: Path) -> Any:
    """The ratings; None, and the reason printed, where they are not there."""
    from models_runner.domain.opinions import OpinionColumns, read_opinions
    from models_runner.services.juror_evaluation import read_rating_file

    path = data / "popquorn" / "raw_data.csv"
    if not path.exists():
        print(f"POPQUORN is skipped: there is no {path}\n")
        return None
    return read_opinions(
        read_rating_file(path),
        columns=OpinionColumns(
            juror="user_id",
            item="instance_id",
            text="text",
            rating="offensiveness",
            traits=("gender", "race", "age", "education", "occupation"),
        ),
        scale=(1, 5),
    )


def measure_popquorn(data: Path, cache: Path, seeds: int) -> None:
    """Offensiveness from 1 to 5, by 262 people of 50 texts each."""
    opinions = popquorn(data)
    if opinions is None:
        return
    result = evaluate(opinions, cache, seeds, (0, 5, 20, 35))
    print("POPQUORN, offensiveness 1-5; new jurors and new items")
    heading = [
        "method",
        "n",
        "MAE",
        "MAE of the mean",
        "RMSE",
        "rank r",
        "90 % covers",
        "reference",
    ]
    rows = []
    for method in result["methods"]:
        for own, reference in POPQUORN_REFERENCE.items():
            cells = [
                shown(result, method, measure, "new", "new", own)
                for measure in ("mae", "mae_of_mean", "rmse", "rank_correlation", "coverage")
            ]
            beside = f"{reference:.3f}" if method == "hierarchical" else ""
            rows.append([method, str(own), *cells, beside])
    print_table(heading, rows)
    print("POPQUORN, random cells and seen jurors with new items")
    print_table(*known(result))


def measure_dices(data: Path, cache: Path, seeds: int) -> None:
    """Safe or not, by 123 people, each of 350 conversations; "Unsure" is no rating."""
    from annotations.domain.tables import OutsideTable
    from models_runner.domain.opinions import OpinionColumns, read_opinions

    path = data / "dices_350" / "dices_350_crowdsourced.json"
    if not path.exists():
        print(f"DICES-350 is skipped: there is no {path}\n")
        return
    document = json.loads(path.read_text(encoding="utf-8"))
    rows: list[tuple[str, ...]] = []
    for place, instance in enumerate(document["instances"]):
        said = instance["annotations"]["safety"]["individual_human_scores"]
        texts = instance["instance"]["response"], instance["instance"]["user_prompt"]
        rows.extend((str(juror), str(place), *texts, score) for juror, score in enumerate(said))
    table = OutsideTable(
        columns=("juror", "item", "response", "prompt", "score"),
        rows=tuple(enumerate(rows, start=2)),
    )
    opinions = read_opinions(
        table,
        columns=OpinionColumns(
            juror="juror", item="item", text="response", rating="score", query="prompt"
        ),
        scale=(0, 1),
        values={"Yes": 1, "No": 0, "Unsure": None},
    )
    result = evaluate(opinions, cache, seeds, (0, 5, 20))
    print(f"DICES-350, yes or no; reference for random cells: accuracy {DICES_REFERENCE}")
    print_table(*known(result, ("accuracy", "macro_f1", "log_loss", "coverage")))
    print("DICES-350, new jurors and new items")
    rows_new = [
        [
            method,
            str(own),
            *(
                shown(result, method, measure, "new", "new", own)
                for measure in ("accuracy", "macro_f1", "log_loss", "coverage")
            ),
        ]
        for method in result["methods"]
        for own in (0, 5, 20)
    ]
    print_table(["method", "n", "accuracy", "macro F1", "log loss", "90 % covers"], rows_new)


def evaluate(opinions: Any, cache: Path, seeds: int, counts: tuple[int, ...]) -> dict[str, Any]:
    """The held-out table, with the seconds that it took."""
    from models_runner.ports import load_feature_encoder
    from models_runner.services.juror_evaluation import evaluate_opinions

    start, worked = time.perf_counter(), time.process_time()
    result = evaluate_opinions(
        opinions=opinions,
        encoder=load_feature_encoder(),
        cache=cache,
        counts=counts,
        seeds=seeds,
    )
    print(
        f"{result['ratings']} ratings, {result['jurors']} jurors, {result['items']} items, {seeds} "
        f"splits: {time.perf_counter() - start:.0f} s, CPU {time.process_time() - worked:.0f} s, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(f"gate: {json.dumps(result['gates'])}")
    return result


def known(
    result: dict[str, Any],
    measures: Sequence[str] = ("mae", "mae_of_mean", "rmse", "accuracy", "macro_f1", "coverage"),
) -> tuple[list[str], list[list[str]]]:
    """Seen jurors, with items seen and new."""
    return ["method", "items", *measures], [
        [
            method,
            items,
            *(shown(result, method, measure, "seen", items, None) for measure in measures),
        ]
        for items in ("seen", "new")
        for method in result["methods"]
    ]


def shown(
    result: dict[str, Any], method: str, measure: str, jurors: str, items: str, own: int | None
) -> str:
    """A value with its smallest and largest over the splits."""
    wanted = (method, measure, jurors, items, own)
    for row in result["rows"]:
        if (row["method"], row["metric"], row["jurors"], row["items"], row["n"]) == wanted:
            if row["value"] is None:
                return "-"
            return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    return "-"


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in columns."""
    lines = [list(heading), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heading))]
    for line in lines:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
    print()


def made_up() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features, items, jurors, ratings 1-5, and which ratings are held out (10 a juror)."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ITEMS, DIMENSIONS)) / DIMENSIONS**0.5
    shared = features @ rng.normal(size=DIMENSIONS)
    tastes = features @ rng.normal(size=(DIMENSIONS, 4))
    each = RATINGS + NEW_RATINGS
    items = np.concatenate([rng.permutation(ITEMS)[:each] for _ in range(JURORS)])
    jurors = np.repeat(np.arange(JURORS), each)
    own = 0.5 * rng.normal(size=(JURORS, 4))
    mean = 3 + 0.5 * rng.normal(size=JURORS)[jurors] + 0.7 * shared[items]
    mean += 0.7 * (tastes[items] * own[jurors]).sum(axis=1)
    ratings = np.clip(np.round(mean + 0.7 * rng.normal(size=len(mean))), 1, 5)
    return features, items, jurors, ratings, np.tile(np.arange(each) >= RATINGS, JURORS)


@contextmanager
def clocked(name: str, found: dict[str, tuple[float, float]]) -> Iterator[None]:
    """Wall and processor seconds of what happens inside."""
    start, worked = time.perf_counter(), time.process_time()
    yield
    found[name] = time.perf_counter() - start, time.process_time() - worked


def measure_speed() -> None:
    """10,000 jurors x 50 ratings x 64 dimensions, against a loop of ridges, in one run."""
    from sklearn.linear_model import Ridge, RidgeCV
    from threadpoolctl import threadpool_limits

    from models_runner.domain.reward import RatingTable, fit_reward_model

    features, items, jurors, ratings, held_out = made_up()
    table = RatingTable(
        features=features,
        items=items,
        jurors=jurors,
        ratings=ratings,
        juror_count=JURORS,
        low=1,
        high=5,
    ).take(rows=~held_out)
    clocks: dict[str, tuple[float, float]] = {}
    with clocked("training with its intervals", clocks):
        model = fit_reward_model(table=table)
    with clocked("all jurors' functions, the shared part given", clocks):
        model = model.adapt(table=table)
    with clocked(f"{int(held_out.sum()):,} predictions", clocks):
        guess = model.predict_cells(
            features=features, items=items[held_out], jurors=jurors[held_out]
        )
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    ours = float(np.sqrt(((guess.mean - ratings[held_out]) ** 2).mean()))
    print(
        f"\n{JURORS:,} jurors x {RATINGS} ratings x {DIMENSIONS} dimensions, {ITEMS:,} items, load "
        f"{os.getloadavg()[0]:.1f}; loops are timed on some of the jurors and multiplied, on one "
        "thread as ours"
    )
    with threadpool_limits(limits=1):
        loops = {
            name: time_loop(make, some, features, items, ratings)
            for name, make, some in (
                *(
                    (f"Ridge, penalty {p} given to it", partial(Ridge, alpha=p), LOOP)
                    for p in (0.3, 1.0, 3.0)
                ),
                ("RidgeCV, leaving out one rating", partial(RidgeCV, PENALTIES), LOOP),
                ("RidgeCV, five folds", partial(RidgeCV, PENALTIES, cv=5), FEW),
            )
        }
    rows = [[name, f"{wall:.2f}", f"{cpu:.2f}", ""] for name, (wall, cpu) in clocks.items()]
    rows[0][3] = f"{ours:.3f}"
    rows += [
        [f"a loop of {name}", f"{wall:.1f}", f"{cpu:.1f}", f"{error:.3f}"]
        for name, (wall, cpu, error) in loops.items()
    ]
    print_table(["what", "seconds", "CPU seconds", "held-out RMSE"], rows)
    whole = clocks["training with its intervals"][1]
    step = clocks["all jurors' functions, the shared part given"][1]
    for name, (_, cpu, _) in loops.items():
        print(
            f"  {name}: by CPU seconds, training is {cpu / whole:.1f} times faster than the loop, "
            f"all jurors' functions {cpu / step:.0f} times"
        )
    print(f"  Peak memory {peak:.0f} MiB.\n")


def time_loop(
    make: Callable[[], Any], some: int, features: np.ndarray, items: np.ndarray, ratings: np.ndarray
) -> tuple[float, float, float]:
    """Wall and CPU seconds of a ridge for each juror, and the error on her held-out ratings."""
    each = RATINGS + NEW_RATINGS
    squares = []
    start, worked = time.perf_counter(), time.process_time()
    for juror in range(0, JURORS, JURORS // some):
        first = juror * each
        old, new = slice(first, first + RATINGS), slice(first + RATINGS, first + each)
        ridge = make().fit(features[items[old]], ratings[old])
        squares.append((ridge.predict(features[items[new]]) - ratings[new]) ** 2)
    times = JURORS / some
    return (
        times * (time.perf_counter() - start),
        times * (time.process_time() - worked),
        float(np.sqrt(np.mean(squares))),
    )


def measure_made_up_preferences() -> None:
    """Comparisons by jurors who are mixtures of two planted directions."""
    from scipy.special import expit

    from models_runner.domain.evaluation import Situation
    from models_runner.domain.pair_evaluation import evaluate_pairs
    from models_runner.domain.reward.pairs import PairTable

    rng = np.random.default_rng(0)
    jurors, pairs, texts, width = 150, 40, 300, 16
    features = rng.normal(size=(texts, width)) / width**0.5
    mixtures = 6 * rng.normal(size=(jurors, 2))
    left = rng.integers(0, texts, jurors * pairs)
    right = (left + rng.integers(1, texts, len(left))) % texts
    who = np.repeat(np.arange(jurors), pairs)
    steps = features[left] - features[right]
    logits = steps @ (2 * rng.normal(size=width)) + (steps[:, :2] * mixtures[who]).sum(axis=1)
    clocks: dict[str, tuple[float, float]] = {}
    with clocked("evaluation", clocks):
        table = evaluate_pairs(
            table=PairTable(
                features=features,
                left=left,
                right=right,
                jurors=who,
                wins=(rng.random(len(who)) < expit(logits)).astype(float),
                juror_count=jurors,
                lengths=rng.integers(5, 200, texts).astype(float),
            ),
            seeds=range(3),
        )
    print(
        f"Made-up preferences, {jurors} jurors x {pairs} comparisons, two planted directions; new "
        f"jurors and new texts, 3 splits, {clocks['evaluation'][1]:.0f} CPU seconds; accuracy "
        f"(logarithmic loss). Knowing all, {np.maximum(expit(logits), expit(-logits)).mean():.3f}"
    )
    counts = (0, 5, 10, 20)
    rows = []
    for method in dict.fromkeys(row.method for row in table.rows):
        cells = []
        for own in counts:
            row = table.row(method=method, situation=Situation.NEW_JUROR, own_ratings=own)
            assert row is not None
            cells.append(f"{row.accuracy.value:.3f} ({row.log_loss.value:.3f})")
        rows.append([method, *cells])
    print_table(["method", *(f"n = {own}" for own in counts)], rows)


def measure_jury_learning(data: Path, seeds: int) -> None:
    """The network on POPQUORN, its encoder frozen: what a machine without a GPU bears."""
    import torch

    from models_runner.domain.evaluation import evaluate_methods
    from models_runner.ports import load_jury_learner
    from models_runner.services.juror_evaluation import rows_as_json

    opinions = popquorn(data)
    if opinions is None:
        return
    torch.set_num_threads(1)
    table = opinions.table(features=np.zeros((len(opinions.texts), 1)))
    clocks: dict[str, tuple[float, float]] = {}
    with clocked("jury learning", clocks):
        held_out = evaluate_methods(
            table=table,
            methods=["jury_learning"],
            baselines=(),
            counts=tuple(POPQUORN_REFERENCE),
            seeds=range(seeds),
            learners=[
                load_jury_learner(texts=opinions.texts, queries=opinions.queries, tuned=False)
            ],
        )
    result = {"rows": rows_as_json(held_out)}
    print(
        f"POPQUORN, jury learning with a frozen encoder, new people and new texts, {seeds} "
        f"split(s), {clocks['jury learning'][1]:.0f} CPU seconds"
    )
    measures = ("mae", "rmse", "rank_correlation", "coverage")
    rows = [
        [str(own), *(shown(result, "jury_learning", m, "new", "new", own) for m in measures)]
        for own in POPQUORN_REFERENCE
    ]
    print_table(["n", "MAE", "RMSE", "rank r", "90 % covers"], rows)


if __name__ == "__main__":
    main()
