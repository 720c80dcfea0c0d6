"""Celery tasks of the models_runner app: a Run's id in, one service call."""

from celery import shared_task

from juries.services.runs import perform_run
from models_runner.selectors.generation import CHECK_KIND, GENERATE_KIND
from models_runner.selectors.kept_files import PLAN_KIND, PREDICT_KIND, VERDICTS_KIND
from models_runner.selectors.leaderboard import LEADERBOARD_KIND
from models_runner.services import (
    generation,
    language_models,
    leaderboard,
    next_item,
    serving,
    training,
    verdicts,
)
from models_runner.services.benchmarks.declaring import BENCHMARK_KIND
from models_runner.services.benchmarks.performing import perform_benchmark


@shared_task(name=training.TRAIN_KIND)
def train_reward(run_id: int) -> None:
    """Learn the jurors' functions."""
    perform_run(run_id=run_id, work=training.perform_training)


@shared_task(name=LEADERBOARD_KIND)
def compute_leaderboard(run_id: int) -> None:
    """Rank the sources of a study along alpha."""
    perform_run(run_id=run_id, work=leaderboard.perform_leaderboard)


@shared_task(name=GENERATE_KIND)
def generate_responses(run_id: int) -> None:
    """Have a language model answer a study's queries."""
    perform_run(run_id=run_id, work=generation.perform_generation)


@shared_task(name=CHECK_KIND)
def check_language_model(run_id: int) -> None:
    """Ask a language model something trivial."""
    perform_run(run_id=run_id, work=language_models.perform_check)


@shared_task(name=BENCHMARK_KIND)
def run_benchmark(run_id: int) -> None:
    """Ask models, measure, keep the report."""
    perform_run(run_id=run_id, work=perform_benchmark)


@shared_task(name=PREDICT_KIND)
def predict_texts(run_id: int) -> None:
    """Say what jurors would say of texts."""
    perform_run(run_id=run_id, work=serving.perform_predictions)


@shared_task(name=PLAN_KIND)
def plan_items(run_id: int) -> None:
    """Prepare what queries teach about a juror."""
    perform_run(run_id=run_id, work=next_item.perform_plan)


@shared_task(name=VERDICTS_KIND)
def find_verdicts(run_id: int) -> None:
    """Find what sampled juries say of a large study."""
    perform_run(run_id=run_id, work=verdicts.perform_verdicts)
