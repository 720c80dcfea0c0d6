"""Fifty jurors claim at once, each on a connection of her own; prints what came of it, as JSON.

Run as a program with DATABASE_URL set to an empty database:

    race_for_places.py JURORS QUERIES OVERLAP
"""

import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
THREADS = 10


def seed(*, jurors: int, queries: int, overlap: int) -> list[int]:
    """A study with few places for many; returns the ids of the participations."""
    from django.core.management import call_command
    from django.utils import timezone

    from annotations.models import Participation, Query, Study
    from juries.models import Candidate, Juror, Jury, Pool, Seat

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Pool", slug="pool")
    jury = Jury.objects.create(pool=pool, name="Jury", size=jurors)
    study = Study.objects.create(
        jury=jury,
        title="Race",
        slug="race",
        state=Study.State.OPEN,
        assignment_mode=Study.AssignmentMode.OVERLAP,
        overlap=overlap,
        query_count=queries,
    )
    Query.objects.bulk_create(
        Query(study=study, external_id=f"q{n}", ordinal=n, text="?") for n in range(queries)
    )
    made = []
    for number in range(jurors):
        candidate = Candidate.objects.create(pool=pool, external_id=f"p{number}")
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number + 1)
        own = Participation.objects.create(
            study=study,
            juror=juror,
            ordinal=number,
            state=Participation.State.WORKING,
            consented_at=timezone.now(),
            consent_version="1",
        )
        made.append(own.pk)
    return made


def claim(participation_id: int, start: "threading.Barrier", given: list[int]) -> None:
    """One juror: claim until nothing is left, completing what she gets."""
    from django.db import connection
    from django.utils import timezone

    from annotations.models import Assignment, Participation
    from annotations.services.claims import claim_next

    own = Participation.objects.select_related("study").get(pk=participation_id)
    start.wait(timeout=60)
    beyond = -1
    while True:
        assignment = claim_next(participation=own, now=timezone.now(), beyond=beyond)
        if assignment is None:
            break
        beyond = assignment.position
        given.append(assignment.pk)
        Assignment.objects.filter(pk=assignment.pk).update(state=Assignment.State.COMPLETED)
    connection.close()


def crowd(participation_ids: list[int], queue: "multiprocessing.Queue[list[int]]") -> None:
    """Some jurors in one process, a thread for each."""
    django.setup()
    from django.db import connection

    given: list[int] = []
    start = threading.Barrier(len(participation_ids))
    threads = [threading.Thread(target=claim, args=(pk, start, given)) for pk in participation_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()
    queue.put(given)


def main() -> None:
    """Seed, race, count."""
    django.setup()
    from django.db import connection
    from django.db.models import Count

    from annotations.models import Assignment, Query

    jurors, queries, overlap = map(int, sys.argv[1:])
    ids = seed(jurors=jurors, queries=queries, overlap=overlap)
    connection.close()
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[list[int]] = context.Queue()
    groups = [ids[start : start + THREADS] for start in range(0, len(ids), THREADS)]
    processes = [context.Process(target=crowd, args=(group, queue)) for group in groups]
    for process in processes:
        process.start()
    given = [pk for _ in processes for pk in queue.get(timeout=120)]
    for process in processes:
        process.join()
    assigned = Query.objects.annotate(made=Count("assignments"))
    result = {
        "vendor": connection.vendor,
        "given": len(given),
        "different": len(set(given)),
        "assignments": Assignment.objects.count(),
        "by_query": sorted(assigned.values_list("made", flat=True)),
        "counted": sorted(Query.objects.values_list("claimed_count", flat=True)),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
