"""Pools begun and filled through the API: all rows or none, each error at its file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from juries.models import AuditEntry, CandidateContact, Pool, Run, User
from juries.services import pool_imports
from tests.api.conftest import token_client

if TYPE_CHECKING:
    from rest_framework.response import _MonkeyPatchedResponse as TestResponse

    from tests.api.conftest import World

PROBLEM = "application/problem+json"
CATEGORIES = b"category,name,min,max\ngender,woman,1,2\ngender,man,0,2\n"
RESPONDENTS = b"id,email,gender\na,A@example.org,woman\nb,,man\n"
POPULATION = b"feature,value,share\ngender,woman,51%\ngender,man,0.49\n"


@pytest.fixture
def fresh(world: "World", settings: LazySettings, tmp_path: Path) -> Pool:
    settings.UPLOADS_DIR = tmp_path
    return pool_imports.create_pool(name="Village")


def send(client: APIClient, pool: Pool, **parts: Any) -> "TestResponse":
    files = {"categories": CATEGORIES, "respondents": RESPONDENTS, **parts}
    body = {
        name: SimpleUploadedFile(f"{name}.csv", part) if isinstance(part, bytes) else part
        for name, part in files.items()
    }
    url = reverse("api-pool-import", args=[pool.public_id])
    return client.post(url, body, format="multipart")


def test_a_pool_is_begun(world: "World") -> None:
    made = world.by_manager.post(reverse("api-pools"), {"name": "Village", "is_simulated": True})
    assert made.status_code == 201, made.content
    pool = Pool.objects.get(name="Village")
    assert made["Location"] == reverse("api-pool", args=[pool.public_id])
    assert (made.json()["slug"], made.json()["is_simulated"]) == ("village", True)
    assert (made.json()["candidates"], made.json()["features"]) == (0, [])
    assert pool.created_by == world.manager
    refused = world.by_manager.post(reverse("api-pools"), {"name": ""})
    assert refused.json()["errors"][0]["pointer"] == "#/name"


def test_people_are_checked_and_brought_in(world: "World", fresh: Pool) -> None:
    client = world.by_manager
    checked = send(client, fresh, population=POPULATION, check="true")
    assert checked.status_code == 200, checked.content
    body = checked.json()
    assert (body["is_check"], body["rows"], body["added"], body["shares"]) == (True, 2, 2, 2)
    assert body["new_values"] == ["gender: woman", "gender: man"]
    assert not fresh.candidates.exists()
    done = send(client, fresh, population=POPULATION)
    assert done.status_code == 200, done.content
    assert done.json() == {**body, "is_check": False}
    assert fresh.candidates.count() == 2
    assert CandidateContact.objects.get(pool=fresh).email == "A@example.org"
    assert "example.org" not in done.content.decode()
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.verb, entry.actor) == ("imported candidates", world.manager)
    again = send(client, fresh)
    assert (again.json()["added"], again.json()["updated"]) == (0, 2)


def test_a_wrong_row_is_named_and_nothing_comes_in(world: "World", fresh: Pool) -> None:
    client = world.by_manager
    for check in ("false", "true"):
        refused = send(client, fresh, respondents=RESPONDENTS + b"c,,other\n", check=check)
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        [error] = refused.json()["errors"]
        assert error["pointer"] == "#/respondents"
        assert "respondents.csv, row 4" in error["detail"]
    refused = send(client, fresh, population=b"feature,value,share\ngender,robot,1\n")
    assert refused.json()["errors"][0]["pointer"] == "#/population"
    url = reverse("api-pool-import", args=[fresh.public_id])
    missing = client.post(
        url, {"categories": SimpleUploadedFile("c.csv", CATEGORIES)}, format="multipart"
    )
    assert missing.json()["errors"][0]["pointer"] == "#/respondents"
    assert client.post(url, {"categories": "x"}).status_code == 415
    assert not fresh.candidates.exists()
    assert not fresh.features.exists()


def test_many_people_are_a_run(
    world: "World", fresh: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_imports, "DIRECT_ROWS", 2)
    assert send(world.by_manager, fresh, check="true").status_code == 200
    made = send(world.by_manager, fresh)
    assert made.status_code == 202, made.content
    run = Run.objects.get(kind=pool_imports.KIND)
    assert made["Location"] == reverse("api-run", args=[run.public_id])
    assert run.requested_by == world.manager
    assert not fresh.candidates.exists()


def test_pools_are_for_those_who_manage_juries(world: "World", fresh: Pool) -> None:
    for client, status in ((world.by_owner, 403), (APIClient(), 401)):
        for refused in (
            send(client, fresh),
            client.post(reverse("api-pools"), {"name": "Mine"}),
        ):
            assert (refused.status_code, refused["Content-Type"]) == (status, PROBLEM)
    changer = User.objects.create(username="changer", is_staff=True)
    changer.user_permissions.add(Permission.objects.get(codename="change_jury"))
    client = token_client(changer)
    assert send(client, fresh).status_code == 200
    assert client.post(reverse("api-pools"), {"name": "Mine"}).status_code == 403
    changer.user_permissions.add(Permission.objects.get(codename="add_pool"))
    assert token_client(changer).post(reverse("api-pools"), {"name": "Mine"}).status_code == 201
