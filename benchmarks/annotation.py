"""Next + submit over HTTP: how long a juror waits, and what it costs the server.

Starts a server of its own (gunicorn, one worker) on a temporary SQLite database, fills a study with
as many items as asked, and lets one client work: GET the next page, POST its answer, and so on.

    python benchmarks/annotation.py                       # 1,000, 10,000 and 100,000 items
    python benchmarks/annotation.py --items 1000 --mode overlap
    python benchmarks/annotation.py --synchronous NORMAL  # what FULL costs

One item is a query with one response and one criterion. The time of an iteration is that of both
requests; the server's CPU is user + system time of its worker from /proc, by iteration.
"""

import argparse
import http.client
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
TARGET_MS, TARGET_CPU_MS = 70 / 3, 12.0
BATCH = 5000
RESPONSE = (
    "It depends on **whose** street it is thought to be. Those who trade there carry the risk in "
    "the first year, and their doubts deserve an honest answer.\n\n1. Fix beforehand what counts "
    "as failure.\n2. Keep the mornings open.\n\nCase {number}."
)


@dataclass(frozen=True)
class Timing:
    """What was measured for one number of items; milliseconds."""

    items: int
    get: list[float]
    post: list[float]
    cpu: float

    @property
    def both(self) -> list[float]:
        """GET and POST of each iteration together."""
        return [get + post for get, post in zip(self.get, self.post, strict=True)]


def seed(*, items: int, mode: str) -> str:
    """Fill the database; returns the path of a juror's link."""
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from annotations.models import Query, Response, Study
    from juries.models import Candidate, Juror, Jury, Pool, Seat
    from juries.services.invitations import invite

    call_command("migrate", verbosity=0)
    pool = Pool.objects.create(name="Pool", slug="pool")
    jury = Jury.objects.create(pool=pool, name="Jury", size=1)
    candidate = Candidate.objects.create(pool=pool, external_id="p1")
    seat = Seat.objects.create(
        jury=jury, juror=Juror.objects.create(jury=jury, candidate=candidate), number=1
    )
    study = Study.objects.create(
        jury=jury,
        title="Benchmark",
        slug="benchmark",
        state=Study.State.OPEN,
        assignment_mode=mode,
        overlap=3 if mode == "overlap" else None,
        query_count=items,
    )
    study.criteria.create(key="helpful", name="Helpful", question="How helpful is it?")
    study.steps.create(kind="rating")
    source = study.sources.create(name="source")
    for start in range(0, items, BATCH):
        numbers = range(start, min(start + BATCH, items))
        queries = Query.objects.bulk_create(
            Query(study=study, external_id=f"q{n}", ordinal=n, text=f"What of case {n}?")
            for n in numbers
        )
        Response.objects.bulk_create(
            Response(
                query=query,
                source=source,
                external_id=f"r{query.ordinal}",
                text=RESPONSE.format(number=query.ordinal),
            )
            for query in queries
        )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (issued,) = invite(seats=[seat], expires_in=timedelta(days=1), now=timezone.now())
    return f"/j/{issued.token}/"


class Client:
    """One keep-alive connection with cookies, and nothing that would cost time of its own."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, data: dict[str, str] | None = None) -> str:
        """Send a request; returns the body, or the address of a redirect."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if data is not None:
            body = urlencode(data)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        if response.status in (302, 303):
            return response.getheader("Location") or ""
        if response.status != 200:
            raise SystemExit(f"{method} {path} answered {response.status}:\n{text[:2000]}")
        return text


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise SystemExit(f"The page has no field {name}:\n{page[:2000]}")
    return found[1]


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def worker_of(pid: int) -> int:
    """The only child of gunicorn's master."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0])


def measure(*, port: int, link: str, items: int, iterations: int, worker: int) -> Timing:
    """Open the link, agree, warm up, and work through so many items."""
    client = Client(port)
    client.request("GET", link)
    way = client.request("GET", "/work/")
    page = client.request("GET", f"{way}consent/")
    client.request(
        "POST",
        f"{way}consent/",
        {
            "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"),
            "version": field(page, "version"),
            "decision": "agree",
        },
    )
    address = client.request("GET", way)
    gets: list[float] = []
    posts: list[float] = []
    cpu = 0.0
    warm_up = 20
    for number in range(iterations + warm_up):
        if number == warm_up:
            gets, posts, cpu = [], [], cpu_seconds(worker)
        started = time.perf_counter()
        page = client.request("GET", address)
        shown = time.perf_counter()
        found = re.search(r'data-url="([^"]+)"', page)
        if found is None:
            raise SystemExit(f"No page of work:\n{page[:2000]}")
        data = {
            "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"),
            "client_id": field(page, "client_id"),
            "active_ms": "4200",
            "idle_ms": "0",
            "rating_helpful": str(1 + number % 5),
        }
        ready = time.perf_counter()
        address = client.request("POST", found[1], data)
        gets.append((shown - started) * 1000)
        posts.append((time.perf_counter() - ready) * 1000)
    used = (cpu_seconds(worker) - cpu) * 1000 / iterations
    return Timing(items=items, get=gets, post=posts, cpu=used)


def run(*, items: int, mode: str, iterations: int, synchronous: str) -> Timing:
    """One database, one server, one client."""
    with tempfile.TemporaryDirectory(prefix="venire-benchmark-") as folder:
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder}/benchmark.sqlite3",
            "VENIRE_VAR_DIR": folder,
            "VENIRE_DEBUG": "false",
            "VENIRE_HTTPS": "false",
            "VENIRE_SECRET_KEY": "benchmark-only",
            "VENIRE_ALLOWED_HOSTS": "127.0.0.1",
            "VENIRE_LOG_LEVEL": "ERROR",
            "BENCHMARK_SYNCHRONOUS": synchronous,
        }
        me = [sys.executable, __file__]
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
            env=environment,
            cwd=ROOT,
            check=True,
        )
        link = subprocess.check_output(
            [*me, "--seed", str(items), "--mode", mode], env=environment, cwd=ROOT, text=True
        ).strip()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "2"]
        command += ["--no-control-socket", "--log-level", "warning", "--chdir", str(ROOT)]
        application = "annotation:application" if synchronous != "FULL" else "venire.wsgi"
        command += ["--pythonpath", str(ROOT / "benchmarks"), "-b", f"127.0.0.1:{port}"]
        server = subprocess.Popen([*command, application], env=environment, cwd=ROOT)
        try:
            wait_for(port, server)
            return measure(
                port=port,
                link=link,
                items=items,
                iterations=iterations,
                worker=worker_of(server.pid),
            )
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Until the server answers."""
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit(f"The server ended with status {server.returncode}.")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/work/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server did not answer within 30 s.")


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def processor() -> str:
    """What the machine calls its processor."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--mode", choices=("all", "overlap"), default="all")
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--synchronous", choices=("FULL", "NORMAL", "OFF"), default="FULL")
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seed:
        set_up()
        print(seed(items=options.seed, mode=options.mode))
        return
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"Django {version('django')}, gunicorn {version('gunicorn')} (1 worker), SQLite "
        f"(WAL, synchronous={options.synchronous}); one client, {options.iterations} iterations; "
        f"assignment: {options.mode}"
    )
    print(f"{'items':>8} {'median':>8} {'p95':>8} {'GET':>8} {'POST':>8} {'CPU':>8} {'ratio':>6}")
    first: float | None = None
    for items in options.items:
        timing = run(
            items=items,
            mode=options.mode,
            iterations=options.iterations,
            synchronous=options.synchronous,
        )
        median = statistics.median(timing.both)
        first = first or median
        print(
            f"{items:>8,} {median:>8.1f} {percentile(timing.both, 0.95):>8.1f} "
            f"{statistics.median(timing.get):>8.1f} {statistics.median(timing.post):>8.1f} "
            f"{timing.cpu:>8.1f} {median / first:>6.2f}",
            flush=True,
        )
    print(
        f"milliseconds; target: median below {TARGET_MS:.1f}, CPU at most {TARGET_CPU_MS:.0f}, "
        "ratio at most 1.20"
    )


def set_up() -> None:
    """Django with the project's own settings."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
    django.setup()


if __name__ == "__main__":
    main()
elif os.environ.get("BENCHMARK_SYNCHRONOUS", "FULL") != "FULL":
    # Loaded by gunicorn: the application with another PRAGMA, to see what FULL costs.
    set_up()
    from django.conf import settings

    sqlite = settings.DATABASES["default"]["OPTIONS"]
    sqlite["init_command"] = sqlite["init_command"].replace(
        "synchronous=FULL", f"synchronous={os.environ['BENCHMARK_SYNCHRONOUS']}"
    )
    from venire.wsgi import application as application
