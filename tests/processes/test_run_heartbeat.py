"""A Run's sign of life while its database is locked for a moment."""

import threading
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from juries.models import Run
from juries.services.runs import perform_run, request_run


@pytest.mark.django_db(transaction=True)
def test_the_beating_outlives_a_locked_database(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 0.05
    run = request_run(kind="k", title="t", parameters={})
    beats = []
    enough = threading.Event()
    update = QuerySet.update

    def refuse_first(self: "QuerySet[Run]", **fields: object) -> int:
        if set(fields) != {"heartbeat_at"}:
            return update(self, **fields)
        beats.append(fields)
        if len(beats) == 3:
            enough.set()
        # A lock that is held too long looks like this; nothing is written.
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", refuse_first)

    def work(_context: object) -> dict[str, bool]:
        return {"three": enough.wait(timeout=30)}

    perform_run(run_id=run.pk, work=work)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED
    assert run.result == {"three": True}
