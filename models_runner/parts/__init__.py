"""What the models_runner app puts into an exported data set, in the order of reading it back."""

from annotations.ports import ExportPart
from models_runner.parts.benchmarks import BenchmarkRunsPart
from models_runner.parts.language_models import (
    GenerationsPart,
    LanguageModelsPart,
    ModelSourcesPart,
)
from models_runner.parts.predictions import (
    PredictedRatingsPart,
    RewardTrainingsPart,
    UtilitiesPart,
)

models_runner_parts: tuple[ExportPart, ...] = (
    LanguageModelsPart(),
    ModelSourcesPart(),
    GenerationsPart(),
    RewardTrainingsPart(),
    PredictedRatingsPart(),
    UtilitiesPart(),
    BenchmarkRunsPart(),
)
