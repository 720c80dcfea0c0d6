"""Language models over the REST API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from rest_framework.test import APIClient

from annotations.models import Study, StudyRole
from juries.models import Run, User
from models_runner.models import Generation, LanguageModel

pytestmark = pytest.mark.django_db
BODY = {
    "name": "Far",
    "kind": "openai",
    "location": "https://host.example/v1",
    "model_id": "far-1",
    "revision": "2026-01",
    "key_variable": "NOT_SET_ANYWHERE",
    "input_price": "1.5",
    "output_price": "6",
}


@pytest.fixture
def staff(stranger: User) -> User:
    stranger.is_staff = True
    stranger.save()
    return stranger


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def study(make_study: Callable[..., Study], staff: User) -> Study:
    study = make_study(queries=2, sources=())
    StudyRole.objects.create(study=study, user=staff, role=StudyRole.Role.OWNER)
    return study


def test_a_model_is_registered_read_changed_and_checked(researcher: User) -> None:
    client = client_of(researcher)
    made = client.post(reverse("api-language-models"), BODY, format="json")
    assert made.status_code == 201, made.content
    told = made.json()
    assert told["input_price"] == "1.500000"
    assert any("NOT_SET_ANYWHERE is not set" in warning for warning in told["warnings"])
    one = made["Location"]
    changed = client.patch(one, {"timeout_seconds": 9, "is_offered": False}, format="json")
    assert (changed.status_code, changed.json()["timeout_seconds"]) == (200, 9)
    assert client.get(one).json()["is_offered"] is False
    offered = client.get(reverse("api-language-models"), {"is_offered": "true"})
    assert offered.json()["results"] == []
    checked = client.post(f"{one}check/", {}, format="json")
    assert checked.status_code == 202
    assert checked.json()["kind"] == "models_runner.check_language_model"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"location": "nowhere"}, "#/location"),
        ({"kind": "pigeon"}, "#/kind"),
        ({"key_variable": "sk-the-key-itself"}, "#/key_variable"),
        ({"output_price": None}, "#/output_price"),
        ({"device": "tpu"}, "#/device"),
        ({"parallel_requests": 0}, "#/parallel_requests"),
        ({"speed": 3}, "#/speed"),
        ({"base_model": "00000000-0000-0000-0000-000000000000"}, "#/base_model"),
    ],
)
def test_what_cannot_be_registered_is_named(
    researcher: User, change: dict[str, Any], pointer: str
) -> None:
    answer = client_of(researcher).post(
        reverse("api-language-models"), {**BODY, **change}, format="json"
    )
    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not LanguageModel.objects.exists()


def test_the_registry_is_for_staff_and_changes_for_those_who_manage_it(stranger: User) -> None:
    address = reverse("api-language-models")
    assert client_of(stranger).get(address).status_code == 403
    stranger.is_staff = True
    stranger.save()
    assert client_of(stranger).get(address).status_code == 200
    assert client_of(stranger).post(address, BODY, format="json").status_code == 403
    rights = Permission.objects.filter(codename__in=("add_languagemodel", "change_languagemodel"))
    stranger.user_permissions.set(rights)
    again = User.objects.get(pk=stranger.pk)
    assert client_of(again).post(address, BODY, format="json").status_code == 201


def test_responses_are_asked_for_and_prompts_are_listed(study: Study, staff: User) -> None:
    model = LanguageModel.objects.create(**BODY)
    client, address = client_of(staff), reverse("api-generations", args=[study.public_id])
    body = {"model": str(model.public_id), "samples": 2, "temperature": 0.5}
    answer = client.post(address, body, format="json")
    assert answer.status_code == 202, answer.content
    run = Run.objects.get()
    assert run.parameters["settings"]["samples"] == 2
    assert client.post(address, body, format="json").status_code == 409
    bad = client.post(address, {**body, "temperature": 9}, format="json")
    assert bad.json()["errors"][0]["pointer"] == "#/temperature"
    model.is_offered = False
    model.save()
    unoffered = client.post(address, body, format="json")
    assert unoffered.json()["errors"][0]["pointer"] == "#/model"
    query = study.queries.get(ordinal=0)
    Generation.objects.create(
        model=model, run=run, query=query, prompt=[{"role": "user", "content": "Q"}],
        prompt_digest="0" * 64, parameters={"seed": 3}, seed=3,
    )  # fmt: skip
    (row,) = client.get(address, {"query": str(query.public_id)}).json()["results"]
    assert (row["prompt"], row["state"]) == ([{"role": "user", "content": "Q"}], "wanted")
    other = study.queries.get(ordinal=1)
    assert client.get(address, {"query": str(other.public_id)}).json()["results"] == []
