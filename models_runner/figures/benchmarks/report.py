"""Which figures a report has."""

from models_runner.domain.benchmark_report.numbers import Report
from models_runner.figures.benchmarks.distributions import distribution_drawings
from models_runner.figures.benchmarks.drawn import Drawing
from models_runner.figures.benchmarks.objectives import objective_drawings, tradeoff_drawings
from models_runner.figures.benchmarks.steering import steering_drawings

DRAWN = {
    "distributional": distribution_drawings,
    "steerable": steering_drawings,
    "objectives": objective_drawings,
    "tradeoff": tradeoff_drawings,
}


def report_drawings(report: Report) -> list[Drawing]:
    """The figures of a report, in the page's order."""
    return DRAWN[report.kind](report)
