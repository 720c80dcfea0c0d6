"""The quotas page proves that a panel exists, or says what would have to give."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from juries.models import FeatureValue, Jury, Pool, User
from juries.selectors.draws import draw_inputs, quotas_as_json
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


class TestGivingWay:
    """Two young women, two older ones, men likewise; four seats."""

    def path(self, jury: Jury, name: str = "juries_jury_quotas") -> str:
        return reverse(f"admin:{name}", args=[jury.pk])

    def typed(self, pool: Pool) -> dict[str, str]:
        """Three women and nobody under 40; one of the two may give way."""
        woman, young = value_id(pool, "gender", "woman"), value_id(pool, "age", "under 40")
        return {f"min-{woman}": "3", f"max-{young}": "0", f"max-flex-{young}": "1"}

    def test_what_is_allowed_stands_first_and_is_marked(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        path = self.path(empty_jury, "juries_jury_quotas_check")
        page = staff_client.post(path, self.typed(empty_jury.pool)).content.decode()
        first, second, *_ = page.split("<li ")[1:]
        assert "age: under 40 maximum 0 -&gt; 1" in first
        assert "within the bounds you allowed</span>" in first
        assert "gender: woman minimum 3 -&gt; 2" in second
        assert "within the bounds you allowed" not in second.split("</li>")[0]

    def test_where_nothing_allowed_is_enough_it_says_so(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        young = value_id(empty_jury.pool, "age", "under 40")
        typed = {**self.typed(empty_jury.pool), f"max-flex-{young}": "0"}
        path = self.path(empty_jury, "juries_jury_quotas_check")
        page = staff_client.post(path, typed).content.decode()
        assert "No change within the bounds you allowed is enough." in page
        assert "gender: woman minimum 3 -&gt; 2" in page
        assert "age: under 40 maximum 0 -&gt; 1" in page
        assert "tag--success" not in page

    def test_a_page_without_it_says_nothing_of_it(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        page = staff_client.get(self.path(empty_jury)).content.decode()
        assert '<details class="disclosure flex-switch">' in page
        woman, young = (
            value_id(empty_jury.pool, *trait)
            for trait in (("gender", "woman"), ("age", "under 40"))
        )
        typed = {f"min-{woman}": "3", f"max-{young}": "0"}
        path = self.path(empty_jury, "juries_jury_quotas_check")
        assert "allowed" not in staff_client.post(path, typed).content.decode()

    @pytest.mark.parametrize(
        ("name", "text", "complaint"),
        [
            ("min-flex", "4", "the minimum of 3 can&#x27;t give way to 4"),
            ("max-flex", "3", "the maximum of 4 can&#x27;t give way to 3"),
            ("min-flex", "x", "&#x27;x&#x27; is not a whole number of people"),
            ("max-flex", "-1", "&#x27;-1&#x27; is not a whole number of people"),
        ],
    )
    def test_order_is_checked_while_typing_and_when_saving(
        self, staff_client: Client, empty_jury: Jury, name: str, text: str, complaint: str
    ) -> None:
        woman = value_id(empty_jury.pool, "gender", "woman")
        typed = {f"min-{woman}": "3", f"max-{woman}": "4", f"{name}-{woman}": text}
        check = self.path(empty_jury, "juries_jury_quotas_check")
        assert complaint in staff_client.post(check, typed).content.decode()
        before = list(empty_jury.quotas.values())
        answer = staff_client.post(self.path(empty_jury), typed)
        assert answer.status_code == 400
        page = answer.content.decode()
        assert complaint in page
        assert f'name="{name}-{woman}" value="{text}"' in page
        assert '<details class="disclosure flex-switch" open>' in page
        assert list(empty_jury.quotas.values()) == before

    def test_giving_way_needs_a_bound_that_could(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        woman = value_id(empty_jury.pool, "gender", "woman")
        answer = staff_client.post(self.path(empty_jury), {f"min-flex-{woman}": "1"})
        assert answer.status_code == 400
        assert "give a minimum or a maximum that could give way" in answer.content.decode()

    def test_it_is_saved_and_shown_again(self, staff_client: Client, empty_jury: Jury) -> None:
        pool = empty_jury.pool
        woman, old = value_id(pool, "gender", "woman"), value_id(pool, "age", "40 and over")
        typed = {
            f"min-{woman}": "2",
            f"min-flex-{woman}": "1",
            "new-value": [str(woman), str(old)],
            "min-new": "1",
            "max-new": "2",
            "max-flex-new": "3",
        }
        assert staff_client.post(self.path(empty_jury), typed).status_code == 302
        stored = empty_jury.quotas.values_list(
            "key", "minimum", "maximum", "flexible_minimum", "flexible_maximum"
        )
        assert list(stored) == [
            (str(woman), 2, 4, 1, None),
            (",".join(map(str, sorted((woman, old)))), 1, 2, None, 3),
        ]
        page = staff_client.get(self.path(empty_jury)).content.decode()
        assert '<details class="disclosure flex-switch" open>' in page
        assert f'name="min-flex-{woman}" value="1"' in page
        assert 'name="max-flex-c0" value="3"' in page
        told = staff_client.get(self.path(empty_jury, "juries_jury_quotas_file"))
        assert told.content.decode().splitlines() == [
            "category,name,min,max,min_flex,max_flex",
            "gender,woman,2,4,1,",
            "gender,man,0,4,,",
            "age,under 40,0,4,,",
            "age,40 and over,0,4,,",
        ]

    def test_the_file_is_for_those_who_manage_juries(
        self, client: Client, stranger: User, empty_jury: Jury
    ) -> None:
        client.force_login(stranger)
        path = self.path(empty_jury, "juries_jury_quotas_file")
        assert client.get(path).status_code in (302, 403)

    def test_a_bound_that_passes_what_was_allowed_takes_it_along(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        """Whoever goes further than she allowed before doesn't have to mend two numbers."""
        pool = empty_jury.pool
        woman, young = value_id(pool, "gender", "woman"), value_id(pool, "age", "under 40")
        typed = {**self.typed(pool), f"min-flex-{woman}": "3", "action": f"take {woman}:2:4"}
        page = staff_client.post(self.path(empty_jury), typed).content.decode()
        assert f'name="min-{woman}" value="2"' in page
        assert f'name="min-flex-{woman}" value="2"' in page
        assert "Proven: a jury of 4" in page
        typed = {**self.typed(pool), "action": f"take {young}:0:1"}
        page = staff_client.post(self.path(empty_jury), typed).content.decode()
        assert f'name="max-{young}" value="1"' in page
        assert f'name="max-flex-{young}" value="1"' in page
        typed = {f"min-{woman}": "4", f"min-flex-{woman}": "3", "action": "propose"}
        page = staff_client.post(self.path(empty_jury), typed).content.decode()
        assert f'name="min-{woman}" value="2"' in page
        assert f'name="min-flex-{woman}" value="2"' in page

    def test_the_inputs_of_a_draw_do_not_hold_it(self, empty_jury: Jury) -> None:
        woman = value_id(empty_jury.pool, "gender", "woman")
        quotas.set_quotas(jury=empty_jury, quotas=[WantedQuota((woman,), 2, 2)])
        before = draw_inputs(jury=empty_jury)
        quotas.set_quotas(jury=empty_jury, quotas=[WantedQuota((woman,), 2, 2, 0, 4)])
        after = draw_inputs(jury=empty_jury)
        assert after.quotas != before.quotas
        assert quotas_as_json(after.quotas) == quotas_as_json(before.quotas)
        assert after.digest == before.digest

    def test_the_database_holds_the_order(self, empty_jury: Jury) -> None:
        quota = empty_jury.quotas.all()[0]
        for wrong in ({"flexible_minimum": 3}, {"flexible_maximum": 1}):
            with pytest.raises(IntegrityError), transaction.atomic():
                empty_jury.quotas.filter(pk=quota.pk).update(**wrong)
