"""What this floor forgets when a juror withdraws."""

from django.db import transaction

from juries.models import Juror
from models_runner.services.kept_files import forget_lines_about
from models_runner.services.training import mark_trainings_stale


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """A withdrawal hook: guesses about her go, and what learnt from her is marked stale."""
    if erase_said:
        mark_trainings_stale(juror=juror)
        transaction.on_commit(lambda: forget_lines_about(juror=juror))
