"""`manage.py load_demo`: the demonstration, from an invented pool to its results."""

import ctypes
import os
import sys
from argparse import ArgumentParser
from typing import Any

import highspy
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from juries.services.runs import RunRefused
from models_runner.services.demo import demo_owner, load_demo


class Command(BaseCommand):
    """Loads the demonstration study; does nothing where it is loaded."""

    help = "Load the demonstration: an invented pool, a drawn jury, simulated answers, results."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-models", action="store_true", help="leave the reward models untrained (quicker)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _let_solver_greet_unheard()
        owner, _ = demo_owner()
        try:
            load_demo(
                now=timezone.now(),
                say=self.stdout.write,
                owner=owner,
                with_models=not options["no_models"],
            )
        except RunRefused as problem:
            raise CommandError(str(problem)) from problem


def _let_solver_greet_unheard() -> None:
    """HiGHS greets once in a process, below Python's stdout; have it over with, unseen."""
    sys.stdout.flush()
    shown = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()  # type: ignore[no-untyped-call]  # its constructor has no annotations
        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(shown, 1)
        os.close(nowhere)
        os.close(shown)
