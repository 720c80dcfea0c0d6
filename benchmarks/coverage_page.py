"""Seconds of the page *Coverage* without and with the groups of like-minded jurors.

    python benchmarks/coverage_page.py
    python benchmarks/coverage_page.py --jurors 500 --queries 100 --answers 4 --each 10

Each juror judges all answers to some of the queries and rates every source's response to them. A
study with more verdicts than a page counts while one waits is measured without the page: the time
of the groups alone, with what they are found from.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CAMPS = 3


def main() -> None:
    """Makes the study in a database of its own and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jurors", type=int, default=500)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--answers", type=int, default=4, help="to each query")
    parser.add_argument("--sources", type=int, default=4, help="each with a response to each query")
    parser.add_argument("--each", type=int, default=10, help="queries that a juror judges")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, numpy {version('numpy')}, Django {version('django')}"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="venire.settings",
            VENIRE_VAR_DIR=folder,
            VENIRE_LOG_LEVEL="WARNING",
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure(make_study(options))


def make_study(options: argparse.Namespace) -> Any:
    """A study whose jurors fall into camps, other ones on each query."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from annotations.models import Rating, Study
    from juries.models import Candidate, Juror, Jury, Pool, Seat
    from overton.models import Answer, ExpressionLabel, Judgement

    rng = np.random.default_rng(0)
    now = timezone.now()
    pool = Pool.objects.create(name="Pool", slug="pool")
    jury = Jury.objects.create(pool=pool, name="Jury", size=options.jurors)
    user = get_user_model().objects.create_superuser("root")
    study = Study.objects.create(
        title="Benchmark", slug="benchmark", state=Study.State.OPEN, jury=jury
    )
    criterion = study.criteria.create(
        key="represented", name="my view", question="?", low=1, high=5, step=1
    )
    jurors = []
    for number in range(options.jurors):
        person = Candidate.objects.create(pool=pool, external_id=f"c{number}")
        jurors.append(Juror.objects.create(jury=jury, candidate=person))
        Seat.objects.create(
            jury=jury, juror=jurors[-1], number=number + 1, state=Seat.State.ACCEPTED
        )
    sources = [study.sources.create(name=f"source {place}") for place in range(options.sources)]
    asked = np.zeros((options.jurors, options.queries), dtype=bool)
    for row in asked:
        row[rng.permutation(options.queries)[: options.each]] = True
    said: list[Any] = []
    rated: list[Any] = []
    for ordinal in range(options.queries):
        query = study.queries.create(external_id=f"q{ordinal}", ordinal=ordinal, text="?")
        answers = [
            Answer.objects.create(query=query, external_id=f"a{place}", text=f"Answer {place}.")
            for place in range(options.answers)
        ]
        responses = [
            query.responses.create(source=source, external_id=source.name, text="A response.")
            for source in sources
        ]
        for response in responses:
            for answer in answers:
                ExpressionLabel.objects.create(
                    response=response, answer=answer, researcher=user, created_at=now,
                    label=("expresses", "does_not")[int(rng.random() < 0.5)],
                )  # fmt: skip
        camps = rng.integers(CAMPS, size=options.jurors)
        leaning = rng.dirichlet([1, 1, 1], size=(CAMPS, options.answers)).cumsum(axis=2)
        for place in np.flatnonzero(asked[:, ordinal]):
            for answer, chances in zip(answers, leaning[camps[place]], strict=True):
                vote = int((rng.random() > chances).sum())
                said.append(
                    Judgement(
                        juror=jurors[place], answer=answer, holds=vote == 2, created_at=now,
                        verdict=("unreasonable", "reasonable", "reasonable")[min(vote, 2)],
                    )
                )  # fmt: skip
            rated += [
                Rating(
                    juror=jurors[place], response=response, criterion=criterion, created_at=now,
                    value=int(rng.integers(1, 6)),
                )
                for response in responses
            ]  # fmt: skip
    Judgement.objects.bulk_create(said, batch_size=2000)
    Rating.objects.bulk_create(rated, batch_size=2000)
    print(
        f"{options.jurors} jurors, {options.queries} queries, {len(said):,} verdicts, "
        f"{len(rated):,} ratings"
    )
    return study


def measure(study: Any) -> None:
    """The fastest of three, of each."""
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.urls import reverse

    from overton.selectors.represented import study_representation
    from overton.selectors.windows import is_quick, study_windows

    windows = study_windows(study=study)
    criterion = study.criteria.get()
    seconds = fastest(
        lambda: study_representation(study=study, windows=windows, criterion=criterion)
    )
    print(f"groups and who represents them: {seconds}")
    if not is_quick(study=study):
        print("the page is not computed while one waits: more than 20,000 verdicts")
        return
    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get())
    url = reverse("study-coverage", args=[study.public_id])
    for words, address in (("without", url), ("with", f"{url}?criterion={criterion.key}")):
        print(f"the page {words} the groups: {fastest(lambda a=address: client.get(a))}")


def fastest(work: Any) -> str:
    """Seconds of the wall clock and of the processor."""
    found = []
    for _ in range(3):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = min(found)
    return f"{wall:.2f} s ({processor:.2f} s of the processor)"


if __name__ == "__main__":
    main()
