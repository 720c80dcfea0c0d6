"""One moment of the database, read over several queries while others write."""

import copy
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

# A reader needs little: no memory map, which would count as the process's own, and sorts on disk.
_SQLITE_READER = (
    "PRAGMA query_only=1;PRAGMA cache_size=-8000;PRAGMA mmap_size=0;PRAGMA temp_store=FILE;"
)


@contextmanager
def one_moment() -> Iterator[str]:
    """Yield a database alias under which all reads show the same moment.

    The reads go over a connection of their own and block nobody: a deferred transaction on
    SQLite's log, REPEATABLE READ on PostgreSQL. Inside a transaction, which may hold rows that
    nobody else can see yet, and on a database in memory, the usual connection is used.
    """
    if connection.in_atomic_block or _is_in_memory():
        yield DEFAULT_DB_ALIAS
        return
    alias = f"moment-{uuid.uuid4().hex}"
    reader = connection.copy(alias)
    reader.settings_dict = copy.deepcopy(reader.settings_dict)
    reader.settings_dict["OPTIONS"] = _reader_options(reader.settings_dict["OPTIONS"])
    connections[alias] = reader
    try:
        with transaction.atomic(using=alias):
            yield alias
    finally:
        reader.close()
        del connections[alias]


def _is_in_memory() -> bool:
    return connection.vendor == "sqlite" and bool(
        connection.is_in_memory_db()  # type: ignore[attr-defined] # a method of SQLite's wrapper
    )


def _reader_options(options: dict[str, Any]) -> dict[str, Any]:
    if connection.vendor == "sqlite":
        return {**options, "transaction_mode": "DEFERRED", "init_command": _SQLITE_READER}
    from psycopg import IsolationLevel

    kept = {name: value for name, value in options.items() if name != "pool"}
    return {**kept, "isolation_level": IsolationLevel.REPEATABLE_READ}
