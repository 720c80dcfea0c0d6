"""Eight researchers enter a public value at once; prints what came of it, as JSON.

Run as a program with DATABASE_URL set to an empty database.
"""

import json
import os
import sys
import threading
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
RESEARCHERS = 8


def seed() -> int:
    """A jury with a record in force; returns the record's primary key."""
    from django.core.management import call_command
    from django.utils import timezone

    from juries.models import Draw, Jury, Pool
    from juries.selectors.records import Randomness
    from juries.services.ceremony import publish_record
    from juries.services.draws import perform_draw, request_draw
    from juries.services.runs import perform_run

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Pool", slug="pool")
    for number in range(12):
        pool.candidates.create(external_id=f"p{number}")
    jury = Jury.objects.create(pool=pool, name="Jury", size=4)
    run = request_draw(jury=jury, mode=Draw.Mode.RECORD)
    perform_run(run_id=run.pk, work=perform_draw)
    today = timezone.localdate()
    record = publish_record(
        draw=Draw.objects.get(run=run), randomness=Randomness("Dice", today), today=today
    )
    return record.pk


def enter(record_id: int, value: str, start: threading.Barrier, said: list[str]) -> None:
    """One researcher."""
    from django.db import connection
    from django.utils import timezone

    from juries.models import PublishedRecord
    from juries.services.ceremony import CeremonyRefused, enter_value

    record = PublishedRecord.objects.get(pk=record_id)
    start.wait(timeout=60)
    try:
        enter_value(record=record, value=value, today=timezone.localdate())
    except CeremonyRefused as refusal:
        said.append(str(refusal))
    else:
        said.append("drawn")
    connection.close()


def main() -> None:
    """Seed, race, count."""
    django.setup()
    from django.db import connection

    from juries.models import PublishedRecord, Seat

    record_id = seed()
    said: list[str] = []
    start = threading.Barrier(RESEARCHERS)
    threads = [
        threading.Thread(target=enter, args=(record_id, str(value), start, said))
        for value in range(RESEARCHERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = PublishedRecord.objects.get(pk=record_id)
    seats = Seat.objects.order_by("number")
    result = {
        "vendor": connection.vendor,
        "drawn": said.count("drawn"),
        "refused": sum(f"the value “{record.public_value}”" in text for text in said),
        "seated": [str(seat.juror.candidate.public_id) for seat in seats],
        "members": json.loads(record.result)["members"],
    }
    sys.stdout.write("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
