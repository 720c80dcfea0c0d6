"""What a benchmark shall be, asked for by a person or a program, checked; nothing is saved here.

Files: `base` (what every form shares), `fields`, `asking` (whose answers, and how models are asked)
with its kinds `distributional` and `steerable`, `objectives` and, built on it, `tradeoff`; `stated`
(all kinds, as JSON that a program sends).
"""

from models_runner.forms.benchmarks.base import BenchmarkForm, Declared
from models_runner.forms.benchmarks.distributional import DistributionalForm
from models_runner.forms.benchmarks.objectives import ObjectivesForm
from models_runner.forms.benchmarks.steerable import SteerableForm
from models_runner.forms.benchmarks.tradeoff import TradeoffForm

__all__ = [
    "BenchmarkForm",
    "Declared",
    "DistributionalForm",
    "ObjectivesForm",
    "SteerableForm",
    "TradeoffForm",
]
