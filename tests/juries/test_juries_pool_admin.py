"""Pools and features in the admin: saved through the services, with their refusals and the log."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from juries.models import AuditEntry, Candidate, Feature, Jury, Pool
from juries.services.quotas import WantedQuota, set_quotas


def form_data(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send of the form on a page, unchanged."""
    page = client.get(url)
    assert page.status_code == 200
    data: dict[str, Any] = {}
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for bound in form:
            value = bound.value()
            if bound.name == "registration_closes_at":
                data[f"{bound.html_name}_0"] = data[f"{bound.html_name}_1"] = ""
            elif value is not None and value is not False:
                data[bound.html_name] = "on" if value is True else value
    return data


def pool_page(pool: Pool) -> str:
    return reverse("admin:juries_pool_change", args=[pool.pk])


def feature_page(feature: Feature) -> str:
    return reverse("admin:juries_feature_change", args=[feature.pk])


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


@pytest.fixture
def gender(pool: Pool) -> Feature:
    return pool.features.get(name="gender")


def test_a_pool_is_made_and_changed_with_an_entry(manager_client: Client) -> None:
    add = reverse("admin:juries_pool_add")
    made = manager_client.post(
        add,
        {
            **form_data(manager_client, add),
            "name": "Village",
            "slug": "village",
            "features-TOTAL_FORMS": "1",
            "features-0-name": "age",
            "features-0-position": "0",
        },
    )
    assert made.status_code == 302, made.context["errors"]
    pool = Pool.objects.get(slug="village")
    assert pool.created_by is not None
    assert [feature.name for feature in pool.features.all()] == ["age"]
    assert verbs() == ["made a pool", "added a feature"]
    page = pool_page(pool)
    sent = {**form_data(manager_client, page), "registration_open": "on"}
    assert manager_client.post(page, sent).status_code == 302
    pool.refresh_from_db()
    assert pool.registration_open
    assert verbs()[2:] == ["changed the pool"]
    assert manager_client.post(page, form_data(manager_client, page)).status_code == 302
    assert len(verbs()) == 3


def test_what_volunteers_agreed_to_keeps_its_version(manager_client: Client, pool: Pool) -> None:
    pool.candidates.create(
        external_id="r-1", origin=Candidate.Origin.REGISTRATION, consent_version="1"
    )
    page = pool_page(pool)
    sent = {**form_data(manager_client, page), "consent_text": "I agree to all."}
    refused = manager_client.post(page, sent)
    assert refused.status_code == 200
    assert "1 volunteer has agreed to version 1" in refused.content.decode()
    assert manager_client.post(page, {**sent, "consent_version": "2"}).status_code == 302
    sent = {**form_data(manager_client, page), "is_simulated": "on"}
    refused = manager_client.post(page, sent)
    assert "The pool has 9 people" in refused.content.decode()
    pool.refresh_from_db()
    assert (pool.consent_version, pool.is_simulated) == ("2", False)


def test_values_are_renamed_with_an_entry(manager_client: Client, gender: Feature) -> None:
    page = feature_page(gender)
    sent = {**form_data(manager_client, page), "name": "sex", "values-0-value": "female"}
    assert manager_client.post(page, sent).status_code == 302
    gender.refresh_from_db()
    assert gender.name == "sex"
    assert [value.value for value in gender.values.all()] == ["female", "man"]
    assert verbs() == ["changed a feature", "changed a feature value"]
    assert AuditEntry.objects.get(verb="changed a feature value").details == {
        "feature value": "sex: female", "before": {"value": "woman"},
    }  # fmt: skip


def test_a_feature_stays_in_its_pool(manager_client: Client, gender: Feature) -> None:
    other = Pool.objects.create(name="Other", slug="other")
    page = feature_page(gender)
    sent = {**form_data(manager_client, page), "pool": other.pk}
    assert manager_client.post(page, sent).status_code == 302
    gender.refresh_from_db()
    assert gender.pool_id != other.pk


def test_a_value_that_a_quota_counts_stays(
    manager_client: Client, gender: Feature, jury: Jury
) -> None:
    third = gender.values.create(value="other", position=2)
    set_quotas(jury=jury, quotas=[WantedQuota((third.pk,), 0, 1)])
    page = feature_page(gender)
    sent = {**form_data(manager_client, page), "values-2-DELETE": "on", "name": "sex"}
    refused = manager_client.post(page, sent, follow=True)
    assert "quotas of &#x27;Town jury&#x27; count it" in refused.content.decode()
    gender.refresh_from_db()
    assert gender.name == "gender"
    assert gender.values.count() == 3
    jury.quotas.all().delete()
    assert manager_client.post(page, sent).status_code == 302
    assert gender.values.count() == 2
    assert "removed a feature value" in verbs()


def test_a_feature_that_nobody_has_is_deleted(
    manager_client: Client, pool: Pool, gender: Feature, jury: Jury
) -> None:
    region = pool.features.create(name="region", position=2)
    north = region.values.create(value="north")
    set_quotas(jury=jury, quotas=[WantedQuota((north.pk,), 0, 1)])
    listed = reverse("admin:juries_feature_changelist")
    ticked = {"action": "delete_selected", "_selected_action": [region.pk], "post": "yes"}
    refused = manager_client.post(listed, ticked, follow=True)
    assert "quotas of &#x27;Town jury&#x27; count it" in refused.content.decode()
    jury.quotas.all().delete()
    one = reverse("admin:juries_feature_delete", args=[region.pk])
    assert manager_client.post(one, {"post": "yes"}).status_code == 302
    assert verbs()[-1] == "removed a feature"
    kept = reverse("admin:juries_feature_delete", args=[gender.pk])
    manager_client.post(kept, {"post": "yes"})
    assert [feature.name for feature in pool.features.all()] == ["gender", "age"]
