"""How well a method foresees ratings that it has not seen, always in the same table.

Items and jurors are held out separately. With one fit per seed on the remaining jurors and items:
a seen juror on new items, and a new juror, adapted on n of her ratings of old items, on new items.
A second fit leaves out random cells, where juror and item are both known.
Files: `held_out` (the table), `splits` (what is held out, and the fits), `ratings` (the evaluation
and its gate); `pair_evaluation` does the same for comparisons.
"""

from models_runner.domain.evaluation.held_out import (
    LARGE_GATE,
    MEASURES,
    Gate,
    HeldOutRow,
    HeldOutTable,
    JurorError,
    JurorErrors,
    Situation,
    over_seeds,
    situations,
)
from models_runner.domain.evaluation.ratings import COVERAGE_BOUNDS, evaluate_methods, judge_usable
from models_runner.domain.evaluation.splits import (
    EvaluationCancelled,
    Split,
    Watched,
    held_out_places,
)

__all__ = [
    "COVERAGE_BOUNDS",
    "LARGE_GATE",
    "MEASURES",
    "EvaluationCancelled",
    "Gate",
    "HeldOutRow",
    "HeldOutTable",
    "JurorError",
    "JurorErrors",
    "Situation",
    "Split",
    "Watched",
    "evaluate_methods",
    "held_out_places",
    "judge_usable",
    "over_seeds",
    "situations",
]
