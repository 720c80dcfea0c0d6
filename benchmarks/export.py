"""How long an export takes and how much memory: 10,000 annotated items, 1,000,000 ratings.

Run `python benchmarks/export.py` from the root of the repository. It makes databases of its own in
a temporary folder and removes them. Every measurement is a process of its own, so that its peak of
memory is its own; the baseline (pandas reading the same table and writing Parquet) runs beside.

Targets: 10,000 annotated items in at most 1 s; 1,000,000 ratings to Parquet in at most 60 s under
300 MB.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
PORTION = 5_000


def setup() -> None:
    """Load Django for the database that the environment names."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "venire.settings"
    import django

    django.setup()


def portions(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """Rows in lists of bounded length."""
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == PORTION:
            yield part
            part = []
    if part:
        yield part


def fill(*, jurors: int, items: int, ratings: int, worked_here: bool) -> None:
    """A study with so many items (a query and a response each) and ratings.

    Args:
        jurors: on the jury.
        items: queries with one response each.
        ratings: in all; juror k rates item i in a fixed pattern, at most once.
        worked_here: each rating has an assignment and a submission, as when jurors work in Venire;
            otherwise they stand as if imported.
    """
    from django.core.management import call_command

    from annotations.models import (
        Assignment,
        Participation,
        Query,
        Rating,
        Response,
        Study,
        Submission,
    )
    from juries.models import Candidate, Juror, Jury, Pool, Seat

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Pool", slug="pool")
    jury = Jury.objects.create(pool=pool, name="Jury", size=jurors)
    study = Study.objects.create(
        title="Benchmark", slug="benchmark", jury=jury, query_count=items, licence="cc0-1.0"
    )
    criterion = study.criteria.create(key="helpful", name="Helpful", question="How helpful?")
    source = study.sources.create(name="model")
    candidates = Candidate.objects.bulk_create(
        Candidate(pool=pool, external_id=str(n)) for n in range(jurors)
    )
    members = Juror.objects.bulk_create(Juror(jury=jury, candidate=one) for one in candidates)
    Seat.objects.bulk_create(
        Seat(jury=jury, juror=one, number=n) for n, one in enumerate(members, start=1)
    )
    ways = Participation.objects.bulk_create(
        Participation(study=study, juror=one, ordinal=n, state="finished")
        for n, one in enumerate(members)
    )
    responses = []
    for start in range(0, items, PORTION):
        queries = Query.objects.bulk_create(
            Query(
                study=study,
                external_id=f"q{n}",
                ordinal=n,
                text=f"Question {n}: what should be done about matter {n % 97}, and why?",
            )
            for n in range(start, min(start + PORTION, items))
        )
        responses += Response.objects.bulk_create(
            Response(
                query=query,
                source=source,
                external_id="r",
                text=f"An answer to {query.text} It weighs one thing against another. " * 3,
            )
            for query in queries
        )
    pairs = ((n % jurors, (n // jurors + n) % items) for n in range(ratings))
    if not worked_here:
        keys = ((members[juror].pk, responses[item].pk) for juror, item in pairs)
        insert_ratings(pairs=keys, criterion=criterion.pk)
        return
    for number, part in enumerate(portions(pairs)):
        places = Assignment.objects.bulk_create(
            Assignment(
                participation=ways[juror],
                query_id=responses[item].query_id,
                position=(number * PORTION + n) // jurors,
                state="completed",
                claimed_at=WHEN,
                lease_expires_at=WHEN + timedelta(minutes=30),
                completed_at=WHEN,
                active_ms=9_000,
            )
            for n, (juror, item) in enumerate(part)
        )
        pages = Submission.objects.bulk_create(
            Submission(
                client_id=UUID(int=number * PORTION + n),
                participation=ways[juror],
                assignment=place,
                step="rating",
                item=str(responses[item].public_id),
                active_ms=9_000,
            )
            for n, ((juror, item), place) in enumerate(zip(part, places, strict=True))
        )
        Rating.objects.bulk_create(
            Rating(
                juror=members[juror],
                response=responses[item],
                criterion=criterion,
                submission=page,
                value=1 + (juror + item) % 5,
                created_at=WHEN + timedelta(seconds=item),
            )
            for (juror, item), page in zip(part, pages, strict=True)
        )


def insert_ratings(*, pairs: Iterator[tuple[int, int]], criterion: int) -> None:
    """Ratings of (juror, response), as if imported; by SQL, which takes seconds for a million."""
    from django.db import connection, transaction

    moment = connection.ops.adapt_datetimefield_value(WHEN)
    with transaction.atomic(), connection.cursor() as cursor:
        for part in portions(pairs):
            cursor.executemany(
                "INSERT INTO annotations_rating "
                "(juror_id, response_id, criterion_id, value, is_current, created_at) "
                "VALUES (%s, %s, %s, %s, 1, %s)",
                [(juror, item, criterion, 1 + (juror + item) % 5, moment) for juror, item in part],
            )


def export(folder: Path, *, formats: tuple[str, ...], zipped: bool) -> int:
    """Write the study as a bundle; returns the number of ratings written."""
    from annotations.models import Study
    from annotations.services.bundles import write_zip
    from annotations.services.exports import write_bundle

    manifest = write_bundle(study=Study.objects.get(), folder=folder, formats=formats)
    if zipped:
        write_zip(folder=folder, path=folder.with_suffix(".zip"))
    rows = {str(table["name"]): int(table["rows"]) for table in manifest["tables"]}
    return rows["ratings"]


def pandas_baseline(folder: Path) -> int:
    """The same ratings with pandas: one query, one frame, one file."""
    import pandas as pd
    from django.db import connection

    folder.mkdir()
    connection.ensure_connection()
    frame = pd.read_sql_query(
        """SELECT j.public_id AS juror, p.public_id AS response, c.key AS criterion, r.value,
                  r.is_current, r.created_at
           FROM annotations_rating r
           JOIN juries_juror j ON j.id = r.juror_id
           JOIN annotations_response p ON p.id = r.response_id
           JOIN annotations_criterion c ON c.id = r.criterion_id
           ORDER BY r.id""",
        connection.connection,
        parse_dates=["created_at"],
    )
    frame.to_parquet(folder / "ratings.parquet")
    return len(frame)


ALL = ("parquet", "jsonl", "csv")
WORK: dict[str, Callable[[Path], int]] = {
    "jsonl": lambda folder: export(folder, formats=("jsonl",), zipped=False),
    "parquet": lambda folder: export(folder, formats=("parquet",), zipped=False),
    "all and zip": lambda folder: export(folder, formats=ALL, zipped=True),
    "pandas": pandas_baseline,
}


class WithoutPandas(MetaPathFinder):
    """Makes `import pandas` fail."""

    def find_spec(self, fullname: str, *_: object) -> None:
        """Nothing is found; for pandas nobody else is asked."""
        if fullname == "pandas":
            raise ImportError(fullname)


def child(kind: str, folder: Path) -> None:
    """One measurement, in a process of its own; prints JSON."""
    setup()
    if kind == "pandas":
        import_module("pandas")  # imports are not the baseline
    else:
        # As in production, where pandas is not installed: pyarrow loads it where it can.
        sys.meta_path.insert(0, WithoutPandas())
    import_module("annotations.services.exports")  # imports are not the export
    from annotations.ports import export_parts

    export_parts()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    rows = WORK[kind](folder)
    result = {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "megabytes_before": before / 1024,
    }
    print(json.dumps(result))


def measure(kind: str, database: Path, scratch: Path, times: int) -> dict[str, Any]:
    """The median of some runs; the highest peak of memory."""
    results = []
    for number in range(times):
        folder = scratch / f"{database.stem}-{kind.replace(' ', '-')}-{number}"
        done = subprocess.run(
            [sys.executable, __file__, "--child", kind, "--folder", str(folder)],
            check=True,
            capture_output=True,
            text=True,
            env=environment(database, scratch),
        )
        results.append(json.loads(done.stdout.splitlines()[-1]))
        subprocess.run(["rm", "-rf", folder, folder.with_suffix(".zip")], check=True)
    results.sort(key=lambda result: result["seconds"])
    middle: dict[str, Any] = dict(results[len(results) // 2])
    middle["megabytes"] = max(result["megabytes"] for result in results)
    return middle


def environment(database: Path, scratch: Path) -> dict[str, str]:
    """A database and a var folder of the benchmark's own."""
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{database}",
        "VENIRE_VAR_DIR": str(scratch / "var"),
        "VENIRE_DEBUG": "true",
    }


def main() -> None:
    """Make the databases, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    parser.add_argument("--fill", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5, help="runs of the small study")
    given = parser.parse_args()
    if given.child:
        child(given.child, given.folder)
        return
    if given.fill:
        setup()
        fill(**json.loads(given.fill))
        return
    with tempfile.TemporaryDirectory(prefix="venire-benchmark-") as name:
        scratch = Path(name)
        compare(given, scratch)


def compare(given: argparse.Namespace, scratch: Path) -> None:
    """Fill both databases and print what was measured."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, Django {version('django')}, "
        f"pyarrow {version('pyarrow')}, pandas {version('pandas')}"
    )
    items = {"jurors": 40, "items": given.items, "ratings": given.items, "worked_here": True}
    many = {"jurors": 1_000, "items": 5_000, "ratings": given.ratings, "worked_here": False}
    print(f"\n{'what':<52}{'rows':>10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    for label, filled, kinds, times in (
        ("annotated items", items, ("jsonl", "all and zip", "pandas"), given.times),
        ("ratings", many, ("parquet", "pandas"), 1),
    ):
        database = scratch / f"{label.replace(' ', '-')}.sqlite3"
        subprocess.run(
            [sys.executable, __file__, "--fill", json.dumps(filled)],
            check=True,
            env=environment(database, scratch),
        )
        for kind in kinds:
            found = measure(kind, database, scratch, times)
            whole = "ratings alone, baseline" if kind == "pandas" else "whole bundle"
            print(
                f"{f'{label}: {kind} ({whole})':<52}{found['rows']:>10,}"
                f"{found['seconds']:>9.2f}{found['cpu']:>8.2f}{found['megabytes']:>9.0f}"
            )


if __name__ == "__main__":
    main()
