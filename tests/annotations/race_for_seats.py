"""Fifty people come into a study at once, each on a connection of her own; prints what came of it.

Run as a program with DATABASE_URL set to an empty database:

    race_for_seats.py PEOPLE PLACES_OF_EACH_GROUP JURY_SIZE

Half of them are women. Every fifth comes twice at the same time with the same id: two tabs.
One place is held by somebody whose lease has run out.
"""

import json
import multiprocessing
import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
PROCESSES = 2


def seed(*, places: int, size: int) -> str:
    """A study with a way in, and one silent juror; returns the way's token."""
    from django.core.management import call_command
    from django.utils import timezone

    from annotations.models import Study
    from juries.models import Jury, Pool

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Pool", slug="pool")
    jury = Jury.objects.create(pool=pool, name="Jury", size=size)
    study = Study.objects.create(jury=jury, title="Race", slug="race", state=Study.State.OPEN)
    study.profile_questions.create(key="gender", text="Gender?", options=["woman", "man"])
    way = study.ways_in.create(
        name="P", kind="prolific", complete="C", places=2 * places, is_open=True
    )
    for gender in ("woman", "man"):
        way.groups.create(name=gender, answers={"gender": [gender]}, places=places)
    come(way.token, 999, timezone.now() - timedelta(hours=1))
    return str(way.token)


def come(token: str, number: int, now: object) -> str:
    """One person: from the door to what there is for her."""
    from annotations.selectors.ways_in import way_by_token
    from annotations.services.places import admit, arrive

    way = way_by_token(token=token)
    assert way is not None
    arrival = arrive(way=way, brought=f"{number:024d}", version="1", now=now)  # type: ignore[arg-type] # a datetime
    gender = "woman" if number % 2 else "man"
    return admit(arrival=arrival, replies={"gender": gender}, now=now).arrival.state  # type: ignore[arg-type] # as above


def visit(token: str, number: int, start: "threading.Barrier", got: list[str]) -> None:
    """The same in a thread of its own."""
    from django.db import connection
    from django.utils import timezone

    start.wait(timeout=60)
    got.append(come(token, number, timezone.now()))
    connection.close()


def crowd(token: str, numbers: list[int], queue: "multiprocessing.Queue[list[str]]") -> None:
    """Some people in one process, some of them with two tabs."""
    django.setup()
    from django.db import connection

    got: list[str] = []
    tabs = numbers + [number for number in numbers if number % 5 == 0]
    start = threading.Barrier(len(tabs))
    threads = [threading.Thread(target=visit, args=(token, n, start, got)) for n in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()
    queue.put(got)


def main() -> None:
    """Seed, race, count."""
    django.setup()
    from django.db import connection
    from django.db.models import Count

    from annotations.models import Arrival, Participation, PlaceGroup
    from juries.models import Candidate, Seat

    people, places, size = map(int, sys.argv[1:])
    token = seed(places=places, size=size)
    connection.close()
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[list[str]] = context.Queue()
    groups = [list(range(start, people, PROCESSES)) for start in range(PROCESSES)]
    processes = [context.Process(target=crowd, args=(token, group, queue)) for group in groups]
    for process in processes:
        process.start()
    got = [state for _ in processes for state in queue.get(timeout=120)]
    for process in processes:
        process.join()
    sitting = Seat.objects.filter(state__in=Seat.SITTING).order_by("number")
    held = Arrival.objects.filter(state="seated", participation__juror__seat__in=sitting)
    by_group = PlaceGroup.objects.filter(arrivals__in=held).annotate(Count("arrivals"))
    result = {
        "vendor": connection.vendor,
        "answers": len(got),
        "seated": Arrival.objects.filter(state="seated").count(),
        "full": Arrival.objects.filter(state="full").count(),
        "people": Candidate.objects.count(),
        "participations": Participation.objects.count(),
        "numbers": list(sitting.values_list("number", flat=True)),
        "ordinals": sorted(Participation.objects.values_list("ordinal", flat=True)),
        "by_group": sorted(by_group.values_list("arrivals__count", flat=True)),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
