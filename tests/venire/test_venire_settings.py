"""Settings come from the environment: what starts, what refuses to, and what is really in force."""

import json
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.venire.conftest import House

PRODUCTION = {
    "VENIRE_DEBUG": "false",
    "VENIRE_SECRET_KEY": "kept-long-and-random-only-in-this-test-0123456789-abcdefghijkl",
    "VENIRE_ALLOWED_HOSTS": "venire.example.org",
}
SHOW = """
import json, sys
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def shown(house: "House", *names: str) -> dict[str, object]:
    return dict(json.loads(house.ask(SHOW, *names)))


class TestStarting:
    @pytest.mark.parametrize(
        ("missing", "message"),
        [
            ("VENIRE_SECRET_KEY", "VENIRE_SECRET_KEY is not set. Set it to a long random string"),
            ("VENIRE_ALLOWED_HOSTS", "VENIRE_ALLOWED_HOSTS is empty. Name the hosts"),
        ],
    )
    def test_production_needs_a_key_and_hosts(
        self, house: "House", missing: str, message: str
    ) -> None:
        variables = {k: v for k, v in PRODUCTION.items() if k != missing}
        done = house.manage("check", variables=variables)
        assert done.returncode != 0
        assert message in done.stderr
        assert not (house.folder / "var" / "secret_key").exists()

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("VENIRE_DEBUG", "perhaps", "is not a yes or no"),
            ("VENIRE_DATABASE_POOL", "eight", "is not a whole number"),
            ("VENIRE_RUN_STALE_AFTER", "3", "is too small; the least is 15"),
        ],
    )
    def test_a_wrong_value_is_named(
        self, house: "House", name: str, value: str, message: str
    ) -> None:
        done = house.manage("check", variables={name: value})
        assert done.returncode != 0
        assert f"{name}=" in done.stderr
        assert message in done.stderr

    def test_without_any_variable_it_runs_for_one_person(self, house: "House") -> None:
        values = shown(house, "DEBUG", "ALLOWED_HOSTS", "CELERY_BROKER_URL", "SECRET_KEY")
        assert values["DEBUG"] is True
        assert values["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
        assert values["CELERY_BROKER_URL"] == "filesystem://"
        key = house.folder / "var" / "secret_key"
        assert key.read_text() == values["SECRET_KEY"]
        assert key.stat().st_mode & 0o077 == 0
        assert shown(house, "SECRET_KEY")["SECRET_KEY"] == values["SECRET_KEY"]

    def test_the_deployment_check_has_nothing_to_say(self, house: "House") -> None:
        done = house.manage("check", "--deploy", "--fail-level", "WARNING", variables=PRODUCTION)
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout

    def test_the_broker_is_named_by_a_variable(self, house: "House") -> None:
        house.variables["VENIRE_BROKER_URL"] = "amqp://guest@broker.example.org//"
        values = shown(house, "CELERY_BROKER_URL", "CELERY_BROKER_TRANSPORT_OPTIONS")
        assert values == {
            "CELERY_BROKER_URL": "amqp://guest@broker.example.org//",
            "CELERY_BROKER_TRANSPORT_OPTIONS": {},
        }

    def test_mail_is_sent_only_where_a_host_is_named(self, house: "House") -> None:
        assert shown(house, "MAIL_CONFIGURED", "EMAIL_BACKEND") == {
            "MAIL_CONFIGURED": False,
            "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        }
        house.variables["VENIRE_EMAIL_HOST"] = "mail.example.org"
        assert shown(house, "MAIL_CONFIGURED", "EMAIL_BACKEND") == {
            "MAIL_CONFIGURED": True,
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        }


SQLITE = """
import json, sys
from django.conf import settings
from django.db import connection
with connection.cursor() as cursor:
    def pragma(name):
        return cursor.execute("PRAGMA " + name).fetchone()[0]
    print(json.dumps({
        "mode": pragma("journal_mode"), "sync": pragma("synchronous"),
        "foreign": pragma("foreign_keys"), "busy": pragma("busy_timeout"),
        "file": settings.DATABASES["default"]["NAME"],
    }))
"""
WRITE_LOCK = """
import sqlite3
from django.conf import settings
from django.db import transaction
from django.db import connection
with transaction.atomic():
    connection.ensure_connection()
    other = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=0)
    try:
        other.execute("CREATE TABLE t (x)")
    except sqlite3.OperationalError as problem:
        print(problem)
    else:
        print("the other one wrote")
"""


class TestSqlite:
    def test_write_ahead_log_and_full_synchronisation_are_in_force(self, house: "House") -> None:
        path = house.folder / "own.sqlite3"
        house.variables["DATABASE_URL"] = f"sqlite:///{path}"
        values = json.loads(house.ask(SQLITE))
        assert values == {
            "mode": "wal",
            "sync": 2,  # FULL
            "foreign": 1,
            "busy": 30_000,
            "file": str(path),
        }

    def test_a_transaction_takes_the_write_lock_at_its_start(self, house: "House") -> None:
        house.variables["DATABASE_URL"] = f"sqlite:///{house.folder / 'own.sqlite3'}"
        assert house.ask(WRITE_LOCK) == "database is locked"


POSTGRES = """
import json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("select 1")
    print(json.dumps({
        "vendor": connection.vendor,
        "driver": connection.Database.__name__,
        "version": connection.Database.__version__.split(".")[0],
        "pool": None if connection.pool is None else connection.pool.max_size,
    }))
"""


@pytest.fixture
def postgres_url() -> str:
    """A server that answers; skipped without one, unless VENIRE_REQUIRE_SERVICES is set."""
    url = os.environ.get("VENIRE_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/venire")
    parts = urlsplit(url)
    server = parts._replace(path="/postgres").geturl()
    try:
        psycopg.connect(server, connect_timeout=3).close()
    except psycopg.OperationalError as problem:
        if os.environ.get("VENIRE_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no PostgreSQL: {problem}")
    return server


@pytest.mark.postgres
@pytest.mark.parametrize(("size", "pool"), [("3", 3), ("0", None)])
def test_postgresql_through_psycopg_3_with_a_pool(
    house: "House", postgres_url: str, size: str, pool: int | None
) -> None:
    house.variables.update(DATABASE_URL=postgres_url, VENIRE_DATABASE_POOL=size)
    assert json.loads(house.ask(POSTGRES)) == {
        "vendor": "postgresql",
        "driver": "psycopg",
        "version": "3",
        "pool": pool,
    }
