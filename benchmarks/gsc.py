"""The published result of "Generative social choice" (arXiv 2309.01291), from its raw answers.

The abstract says that 93 of 100 people feel mostly or perfectly represented by a slate of five
statements. A hundred others had rated those five from 0 (not at all) to 4 (perfectly). In the
authors' measure each statement speaks for twenty people, shared out so that the sum of ratings is
largest. Run `python benchmarks/gsc.py` from the repository's root; the file is read from
`../shared/data/gsc_chatbot`. No sentence of it is printed: statements are known by their order.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from juries.domain.slates import Slate, balanced, favourites  # noqa: E402  # the path is set above
from juries.domain.voting.ballots import from_utilities  # noqa: E402  # as above
from juries.domain.voting.registry import VOTING_RULES  # noqa: E402  # as above
from juries.domain.welfare import utility  # noqa: E402  # as above

FILE = ROOT.parent / "shared" / "data" / "gsc_chatbot" / "chatbot_personalization_data.csv"
PUBLISHED = 93
MOSTLY = 3.0
SAMPLE = "validation"


def read(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Ratings of the validation sample, (people, statements), and the statements' labels."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            (row["user_id"], row["question_text"], float(row["choice_numeric"]))
            for row in csv.DictReader(lines)
            if row["sample_type"] == SAMPLE and row["choice_numeric"]
        ]
    people = sorted({person for person, _, _ in rows})
    texts = sorted({text for _, text, _ in rows})
    ratings = np.full((len(people), len(texts)), np.nan)
    for person, text, rating in rows:
        at = people.index(person), texts.index(text)
        if not np.isnan(ratings[at]):
            raise SystemExit(f"{person} rated one statement twice.")
        ratings[at] = rating
    return tuple(f"statement {place + 1}" for place in range(len(texts))), ratings


def line(name: str, slate: Slate) -> str:
    """What one way of assigning people says."""
    levels = {level: int((slate.ratings == level).sum()) for level in range(5)}
    return (
        f"{name}: {slate.captured(at_least=MOSTLY)} of {len(slate.ratings)} mostly or perfectly"
        f" (published: {PUBLISHED}); by level 0 to 4: {levels}; sum {slate.ratings.sum():g}"
    )


def main() -> int:
    """Print the two readings and what the voting rules say; 1 if the measure isn't reproduced."""
    if not FILE.exists():
        print(f"{FILE} is not here; nothing was measured.")
        return 2
    statements, ratings = read(FILE)
    people, number = ratings.shape
    print(f"{people} people, {number} statements, {int(np.isnan(ratings).sum())} missing")
    shared = balanced(ratings, statements=statements)
    print(line("twenty people a statement", shared))
    print(line("each person's best statement", favourites(ratings, statements=statements)))
    ballots = from_utilities(utility(ratings, lowest=0, highest=4), responses=statements)
    for name, rule in VOTING_RULES.items():
        print(f"{name}: {', '.join(rule(ballots).winners) or 'nobody'}")
    return int(shared.captured(at_least=MOSTLY) != PUBLISHED)


if __name__ == "__main__":
    sys.exit(main())
