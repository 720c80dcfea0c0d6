"""The quotas page proves that a panel exists, or says what would have to give."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from juries.models import FeatureValue, Jury, Pool
from juries.services import quotas
from juries.services.quotas import WantedQuota


@pytest.fixture
def empty_jury(pool: Pool) -> Jury:
    """Four seats, two of them for women, at least one person over 40; nobody sits."""
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    wanted = [
        WantedQuota((value_id(pool, "gender", "woman"),), 2, 2),
        WantedQuota((value_id(pool, "gender", "man"),), 2, 2),
        WantedQuota((value_id(pool, "age", "40 and over"),), 1, 3),
    ]
    quotas.set_quotas(jury=jury, quotas=wanted)
    return jury


def value_id(pool: Pool, feature: str, value: str) -> int:
    return FeatureValue.objects.get(feature__pool=pool, feature__name=feature, value=value).pk


class TestLiveCheck:
    """Three women and nobody under 40: the pool has two women of 40 and over."""

    def typed(self, pool: Pool) -> dict[str, str]:
        woman, young = value_id(pool, "gender", "woman"), value_id(pool, "age", "under 40")
        return {f"min-{woman}": "3", f"max-{young}": "0"}

    def test_proves_that_a_panel_exists(self, staff_client: Client, empty_jury: Jury) -> None:
        page = staff_client.get(reverse("admin:juries_jury_quotas", args=[empty_jury.pk]))
        assert "Proven: a jury of 4" in page.content.decode()
        assert "from the 8 candidates" in page.content.decode()

    def test_says_what_contradicts_and_what_would_do(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        path = reverse("admin:juries_jury_quotas_check", args=[empty_jury.pk])
        page = staff_client.post(path, self.typed(empty_jury.pool)).content.decode()
        assert (
            "These can&#x27;t both hold: gender: woman at least 3 and age: under 40 at most 0."
            in page
        )
        assert "gender: woman minimum 3 -&gt; 2" in page
        assert "age: under 40 maximum 0 -&gt; 1" in page
        assert "recruit 1 more of gender: woman and age: 40 and over" in page

    def test_a_relaxation_fills_the_form_and_saves_nothing(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        woman = value_id(empty_jury.pool, "gender", "woman")
        typed = self.typed(empty_jury.pool)
        before = list(empty_jury.quotas.values_list("key", "minimum", "maximum"))
        page = staff_client.post(path, {**typed, "action": "check"}).content.decode()
        action = f"take {woman}:2:4"
        assert f'value="{action}"' in page
        page = staff_client.post(path, {**typed, "action": action}).content.decode()
        assert f'name="min-{woman}" value="2"' in page
        assert "nothing is saved yet" in page
        assert "Proven: a jury of 4" in page
        assert list(empty_jury.quotas.values_list("key", "minimum", "maximum")) == before

    @pytest.mark.parametrize("bounds", ["", "x", "1:2", "999999:1:2", "c0:1:2", "1:-1:2"])
    def test_a_way_out_that_fits_no_row_is_refused(
        self, staff_client: Client, empty_jury: Jury, bounds: str
    ) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        answer = staff_client.post(path, {"action": f"take {bounds}"})
        assert answer.status_code == 400
        assert "have changed since" in answer.content.decode()

    def test_combinations_are_relaxed_and_kept_while_typing(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        pool = empty_jury.pool
        woman, old = value_id(pool, "gender", "woman"), value_id(pool, "age", "40 and over")
        quotas.set_quotas(jury=empty_jury, quotas=[WantedQuota((woman, old), 0, 4)])
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        typed = {"min-c0": "3", "max-c0": "4"}
        page = staff_client.post(path, {**typed, "action": "check"}).content.decode()
        assert 'name="min-c0" value="3"' in page
        assert 'value="take c0:2:4"' in page
        page = staff_client.post(path, {**typed, "action": "take c0:2:4"}).content.decode()
        assert 'name="min-c0" value="2"' in page
        new = {"new-value": [str(woman), str(old)], "min-new": "3", "max-new": "3"}
        page = staff_client.post(path, {"drop-0": "on", **new, "action": "check"}).content.decode()
        assert 'value="take new:2:3"' in page
        assert f'<option value="{woman}" selected>' in page

    def test_two_values_of_one_feature_are_refused(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        pool = empty_jury.pool
        both = [str(value_id(pool, "gender", gender)) for gender in ("woman", "man")]
        path = reverse("admin:juries_jury_quotas_check", args=[empty_jury.pk])
        page = staff_client.post(path, {"new-value": both, "min-new": "1"}).content.decode()
        assert "two values, of different features" in page

    def test_no_more_queries_for_more_quotas(
        self,
        staff_client: Client,
        empty_jury: Jury,
        count_queries: Callable[[Client, str], int],
    ) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        many = count_queries(staff_client, path)
        empty_jury.quotas.exclude(pk=empty_jury.quotas.all()[0].pk).delete()
        assert count_queries(staff_client, path) == many

    def test_a_proposal_keeps_what_it_has_nothing_to_say_about(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        pool = empty_jury.pool
        FeatureValue.objects.filter(feature__pool=pool, feature__name="age").update(
            population_share=None
        )
        woman, old = value_id(pool, "gender", "woman"), value_id(pool, "age", "40 and over")
        typed = {f"min-{woman}": "4", f"min-{old}": "3", f"max-{old}": "3", "action": "propose"}
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        page = staff_client.post(path, typed).content.decode()
        assert f'name="min-{woman}" value="2"' in page
        assert f'name="min-{old}" value="3"' in page
        assert "Nothing is proposed for age: population shares are missing." in page
        assert "Proven: a jury of 4" in page
