"""Fixtures for every test: the services that a run may require, small worlds to build on."""

import fcntl
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from annotations.models import Study
from juries.models import Candidate, Feature, FeatureValue, Juror, Jury, Pool, Seat, User

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With VENIRE_TEST_DATABASE_ONLY, leave out what would do the same on any database."""
    if os.environ.get("VENIRE_TEST_DATABASE_ONLY") != "1":
        return
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        marks = (item.get_closest_marker(name) for name in ("django_db", "postgres"))
        touches = any(marks) or any(name in fixtures for name in ("db", "transactional_db"))
        (kept if touches else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture
def shared_data() -> Path:
    """Real data beside the project; a test that needs it is skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data is not here: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def put_migrated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Puts a SQLite file with every table and no row at a path.

    Migrations take seconds: they run once, for all processes of a run of the suite.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made, growing = folder / "migrated.sqlite3", folder / "growing.sqlite3"

    def put(path: Path) -> None:
        with (folder / "migrated.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                variables = {
                    "DATABASE_URL": f"sqlite:///{growing}",
                    "VENIRE_VAR_DIR": str(folder / "migrated"),
                    "VENIRE_DEBUG": "true",
                }
                command = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"]
                subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **variables})
                growing.rename(made)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, path)

    return put


@pytest.fixture
def researcher(db: None) -> User:
    """A superuser."""
    return User.objects.create_superuser("researcher", "researcher@example.org", "a-long-password")


@pytest.fixture
def stranger(db: None) -> User:
    """A signed-in user without any role or permission."""
    return User.objects.create_user("stranger", "stranger@example.org", "a-long-password")


@pytest.fixture
def pool(db: None) -> Pool:
    """A pool of eight people with two features."""
    pool = Pool.objects.create(name="Town", slug="town", consent_text="I agree to be drawn.")
    values = {}
    for position, (name, options) in enumerate(
        {"gender": ("woman", "man"), "age": ("under 40", "40 and over")}.items()
    ):
        feature = Feature.objects.create(pool=pool, name=name, position=position)
        for rank, option in enumerate(options):
            values[name, option] = FeatureValue.objects.create(
                feature=feature, value=option, position=rank, population_share=0.5
            )
    for number in range(8):
        candidate = Candidate.objects.create(
            pool=pool, external_id=f"p{number}", consented_at=timezone.now()
        )
        for name, option in (
            ("gender", ("woman", "man")[number % 2]),
            ("age", ("under 40", "40 and over")[(number // 2) % 2]),
        ):
            value = values[name, option]
            candidate.traits.create(feature=value.feature, feature_value=value)
    return pool


@pytest.fixture
def jury(pool: Pool) -> Jury:
    """A jury of four, seated: the first four candidates have accepted."""
    jury = Jury.objects.create(pool=pool, name="Town jury", size=4)
    for number, candidate in enumerate(pool.candidates.order_by("id")[:4], start=1):
        juror = Juror.objects.create(jury=jury, candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
    return jury


@pytest.fixture
def make_study(db: None) -> Callable[..., Study]:
    """Makes an open study: queries with a response of each source, two criteria, a rating step."""

    def make(
        *,
        jury: Jury | None = None,
        queries: int = 3,
        sources: tuple[str, ...] = ("alpha", "beta"),
        steps: tuple[str, ...] = ("rating",),
        **fields: object,
    ) -> Study:
        study = Study.objects.create(
            jury=jury,
            title="Study",
            slug=f"study-{uuid.uuid4().hex[:8]}",
            state=Study.State.OPEN,
            consent_text="Please agree.",
            query_count=queries,
            **fields,
        )
        for position, key in enumerate(("helpful", "fair")):
            study.criteria.create(
                key=key, name=key.title(), question=f"How {key} is it?", position=position
            )
        made = [study.sources.create(name=name, revision="1") for name in sources]
        for position, kind in enumerate(steps):
            study.steps.create(kind=kind, position=position)
        for ordinal in range(queries):
            query = study.queries.create(
                external_id=f"q{ordinal}", ordinal=ordinal, text=f"Question {ordinal}?"
            )
            for rank, text in enumerate(("yes", "no")):
                query.options.create(key=text, text=text.title(), position=rank)
            for source in made:
                query.responses.create(
                    source=source,
                    external_id=f"q{ordinal}-{source.name}",
                    text=f"What {source.name} says of question {ordinal}.",
                )
        return study

    return make


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's binary; skipped where it is missing, unless VENIRE_REQUIRE_BROWSER is set."""
    path = os.environ.get("VENIRE_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).exists():
        message = f"no Chromium at {path}; install it or set VENIRE_CHROMIUM"
        if os.environ.get("VENIRE_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return path
