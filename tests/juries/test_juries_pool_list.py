"""The public list of pools, and the front page that names them, ask the database as often for one
pool as for three."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from juries.models import Pool


@pytest.mark.parametrize("path", ["/pools/", "/"])
def test_as_many_queries_for_three_pools_as_for_one(db: None, client: Client, path: str) -> None:
    Pool.objects.create(name="Town 1", slug="town-1", registration_open=True)
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert b"Town 1" in client.get(path).content
    for number in (2, 3):
        Pool.objects.create(name=f"Town {number}", slug=f"town-{number}", registration_open=True)
    with CaptureQueriesContext(connection) as three:
        assert b"Town 3" in client.get(path).content
    assert len(three) == len(one) > 0


def test_a_pool_that_is_not_open_is_not_listed(db: None, client: Client) -> None:
    Pool.objects.create(name="Closed town", slug="closed")
    assert b"Closed town" not in client.get("/pools/").content
    assert b"Closed town" not in client.get("/").content
