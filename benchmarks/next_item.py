"""How much held-out error falls per minute of a juror's time, by the order of her items.

Run `python benchmarks/next_item.py [--data FOLDER] [--seeds N]` from the repository's root. Jurors
who are new to the model rate items in a random order, or by expected gain per minute (a fifth at
random, as in a study). After some minutes their function is adapted to what they said, and
predicts the ratings that were held out. Two worlds: made-up jurors who differ along the items'
features, as the method assumes; and POPQUORN's raters of offensiveness (skipped without its file),
texts as TF-IDF. Minutes are those of reading 200 words a minute and 20 s to answer: POPQUORN has no
times of its own.
"""

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from annotations.domain.picking import pick  # noqa: E402  # the path is set above
from models_runner.domain.next_item import (  # noqa: E402  # as above
    FloatArray,
    IntArray,
    ItemPlan,
    expected_minutes,
    make_plan,
)
from models_runner.domain.reward import RatingTable, fit_reward_model  # noqa: E402  # as above

BUDGETS = (1.0, 2.0, 4.0, 8.0)
HELD_OUT = 0.4
NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class World:
    """Ratings with the items' features and lengths."""

    name: str
    features: FloatArray
    lengths: IntArray
    items: IntArray
    jurors: IntArray
    ratings: FloatArray
    low: float
    high: float

    def table(self, rows: IntArray) -> RatingTable:
        """Some of the ratings, jurors coded anew."""
        _, codes = np.unique(self.jurors[rows], return_inverse=True)
        return RatingTable(
            features=self.features,
            items=self.items[rows],
            jurors=codes.astype(np.int64),
            ratings=self.ratings[rows],
            juror_count=int(codes.max()) + 1,
            low=self.low,
            high=self.high,
        )


def popquorn(path: Path) -> World:
    """Offensiveness from 1 to 5, by 262 people of about 50 texts each."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["offensiveness"]]
    _, first, items = np.unique(
        [row["instance_id"] for row in rows], return_index=True, return_inverse=True
    )
    texts = [rows[place]["text"] for place in first]
    words = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    return World(
        name="POPQUORN",
        features=TruncatedSVD(64, random_state=0).fit_transform(words),
        lengths=np.array([len(text) for text in texts]),
        items=items.astype(np.int64),
        jurors=np.unique([row["user_id"] for row in rows], return_inverse=True)[1].astype(np.int64),
        ratings=np.array([float(row["offensiveness"]) for row in rows]),
        low=1,
        high=5,
    )


def made_up(seed: int) -> World:
    """120 people rate 60 of 200 items: an offset and three tastes of their own each."""
    rng = np.random.default_rng(seed)
    people, count, each = 120, 200, 60
    features = rng.standard_normal((count, 12)) * np.linspace(1.5, 0.3, 12)
    tastes = rng.normal(0, 0.5, (people, 3))
    jurors = np.repeat(np.arange(people), each)
    items = np.concatenate([rng.permutation(count)[:each] for _ in range(people)])
    shared = 3 + 0.4 * features[:, 3]
    told = (
        shared[items]
        + rng.normal(0, 0.5, people)[jurors]
        + (features[items, :3] * tastes[jurors]).sum(axis=1)
        + rng.normal(0, 0.5, len(items))
    )
    return World(
        name="made-up jurors",
        features=features,
        lengths=rng.lognormal(6, 0.8, count).astype(np.int64),
        items=items,
        jurors=jurors,
        ratings=np.clip(np.round(told), 1, 5),
        low=1,
        high=5,
    )


def order_of(
    plan: ItemPlan, candidates: IntArray, rng: np.random.Generator, *, by: str
) -> list[int]:
    """The candidates in the order in which a juror gets them."""
    left: list[int] = rng.permutation(candidates).tolist()
    if by == "random":
        return left
    had: list[int] = []
    while left:
        worth = plan.gains(had=had, candidates=left)
        chosen = pick(worth.tolist(), seed=f"{rng.integers(2**62)}")
        had.append(left.pop(chosen.place))
    return had


def measure(world: World, seed: int) -> dict[tuple[str, float], tuple[float, float, float]]:
    """Held-out MAE, RMSE and items done by order and minutes, over the jurors who are new."""
    rng = np.random.default_rng(seed)
    people = rng.permutation(int(world.jurors.max()) + 1)
    new = people[: len(people) // 3]
    learning = np.flatnonzero(~np.isin(world.jurors, new))
    table = world.table(learning)
    model = fit_reward_model(table=table)
    shared = model.predict(
        features=world.features, jurors=np.full(len(world.features), -1, dtype=np.int64)
    )
    minutes = expected_minutes(lengths=world.lengths, done=NOBODY, spent=np.zeros(0))
    plan = make_plan(
        coordinates=model.axes.coordinates(features=world.features),
        query_ids=np.arange(len(world.features)),
        items=table.items,
        jurors=table.jurors,
        residuals=table.ratings - shared.mean[table.items],
        juror_count=table.juror_count,
        minutes=minutes,
    )
    found: dict[tuple[str, float], tuple[float, float, float]] = {}
    splits = []
    for juror in new:
        rows = rng.permutation(np.flatnonzero(world.jurors == juror))
        cut = int(HELD_OUT * len(rows))
        splits.append((rows[:cut], rows[cut:]))
    for by in ("random", "gain"):
        draw = np.random.default_rng([seed, 7])
        orders = []
        for _, open_rows in splits:
            row_of = dict(zip(world.items[open_rows].tolist(), open_rows.tolist(), strict=True))
            order = order_of(plan, world.items[open_rows], draw, by=by)
            orders.append((np.array([row_of[item] for item in order]), np.cumsum(minutes[order])))
        for budget in BUDGETS:
            told = [rows[spent <= budget] for rows, spent in orders]
            done = np.concatenate(told)
            codes = np.repeat(np.arange(len(new)), [len(rows) for rows in told])
            adapted = model.adapt(
                table=RatingTable(
                    features=world.features,
                    items=world.items[done],
                    jurors=codes.astype(np.int64),
                    ratings=world.ratings[done],
                    juror_count=len(new),
                    low=world.low,
                    high=world.high,
                )
            )
            test = np.concatenate([rows for rows, _ in splits])
            who = np.repeat(np.arange(len(new)), [len(rows) for rows, _ in splits])
            guess = adapted.predict(
                features=world.features[world.items[test]], jurors=who.astype(np.int64)
            )
            off = world.ratings[test] - guess.mean
            mae = float(np.abs(world.ratings[test] - guess.median).mean())
            found[by, budget] = mae, float(np.sqrt((off**2).mean())), len(done) / len(new)
    return found


def main() -> None:
    """Print a table for each world."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    worlds: list[Callable[[int], World]] = [made_up]
    path = options.data / "popquorn" / "raw_data.csv"
    if path.exists():
        real = popquorn(path)
        worlds.append(lambda _seed: real)
    else:
        print(f"POPQUORN is skipped: there is no {path}")
    for make in worlds:
        runs = [measure(make(seed), seed) for seed in range(options.seeds)]
        print(
            f"\n{make(0).name}, {options.seeds} seeds; mean over seeds, and the difference's range"
        )
        print("minutes  items r/g    MAE random  by gain   RMSE random  by gain   RMSE difference")
        for budget in BUDGETS:
            told = np.array([[run["random", budget], run["gain", budget]] for run in runs])
            mean, falls = told.mean(axis=0), told[:, 1, 1] - told[:, 0, 1]
            print(
                f"{budget:7g}  {mean[0, 2]:4.1f}/{mean[1, 2]:4.1f}    {mean[0, 0]:10.3f}"
                f"  {mean[1, 0]:7.3f}   {mean[0, 1]:11.3f}  {mean[1, 1]:7.3f}"
                f"   {falls.mean():+.3f} ({falls.min():+.3f} to {falls.max():+.3f})"
            )
    plan_speed()


def plan_speed() -> None:
    """Milliseconds to compare 1,000 queries of two responses."""
    rng = np.random.default_rng(0)
    plan = ItemPlan(
        query_ids=np.arange(1000),
        rows=rng.standard_normal((1000, 2, 17)),
        aim=np.eye(17),
        variances=np.full(17, 0.2),
        noise=0.5,
        minutes=np.ones(1000),
    )
    took = []
    for _ in range(20):
        start = perf_counter()
        plan.gains(had=range(50), candidates=range(1000))
        took.append(perf_counter() - start)
    print(f"\n1,000 queries of two responses compared in {1000 * float(np.median(took)):.1f} ms")


if __name__ == "__main__":
    main()
