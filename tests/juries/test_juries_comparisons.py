"""Objectives side by side: the Run, its page, its files, and the way on to the draw."""

import csv
import io
from collections.abc import Callable, Mapping

import pytest
from django.test import Client
from django.urls import reverse

from juries import tasks
from juries.domain.lottery import DEFAULT_METHOD, SELECTION_METHODS
from juries.models import Candidate, FeatureValue, Jury, ObjectiveComparison, Pool, Run
from juries.services import comparisons, draws, quotas
from juries.services.comparisons import ComparisonRefused
from juries.services.quotas import WantedQuota
from juries.services.runs import RunContext, perform_run, request_cancel


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


@pytest.fixture
def empty_jury(pool: Pool) -> Jury:
    """Four seats, at least three of them for women: not everybody has the same chance."""
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    woman = FeatureValue.objects.get(feature__pool=pool, value="woman")
    quotas.set_quotas(jury=jury, quotas=[WantedQuota((woman.pk,), 3, 4)])
    return jury


def compared(jury: Jury) -> ObjectiveComparison:
    run = comparisons.request_comparison(jury=jury)
    perform_run(run_id=run.pk, work=comparisons.perform_comparison)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return run.comparison


def test_every_method_of_the_domain_is_there(empty_jury: Jury) -> None:
    comparison = compared(empty_jury)
    told = {method["method"]: method for method in comparison.content["methods"]}
    assert set(told) == set(SELECTION_METHODS)
    assert {name for name in told if not told[name]["can_be_drawn_by"]} == {"greedy"}
    leximin = told["leximin"]
    assert leximin["chances"] == pytest.approx([0.25] * 4 + [0.75] * 4)
    assert leximin["everyone"]["gini"] == pytest.approx(0.25)
    assert leximin["is_proven"]
    assert told["greedy"]["simulated_panels"] > 0
    assert not empty_jury.seats.exists()
    assert not empty_jury.draws.exists()


def test_greedy_is_for_comparison_only(empty_jury: Jury) -> None:
    assert "greedy" not in draws.DRAWABLE_METHODS
    with pytest.raises(draws.DrawRefused, match="'greedy' to draw by"):
        draws.request_draw(jury=empty_jury, method="greedy")
    assert draws.request_draw(jury=empty_jury).parameters["method"] == DEFAULT_METHOD == "leximin"


def test_one_at_a_time_and_only_with_quotas_that_can_be(empty_jury: Jury) -> None:
    run = comparisons.request_comparison(jury=empty_jury)
    with pytest.raises(ComparisonRefused, match="is going on"):
        comparisons.request_comparison(jury=empty_jury)
    request_cancel(run=run)
    woman = FeatureValue.objects.get(feature__pool=empty_jury.pool, value="woman")
    quotas.set_quotas(jury=empty_jury, quotas=[WantedQuota((woman.pk,), 5, 5)])
    with pytest.raises(ComparisonRefused, match="gender: woman needs at least 5"):
        comparisons.request_comparison(jury=empty_jury)


def test_stops_when_asked_to(empty_jury: Jury, monkeypatch: pytest.MonkeyPatch) -> None:
    run = comparisons.request_comparison(jury=empty_jury)

    def work(context: RunContext) -> Mapping[str, object]:
        Run.objects.update(cancel_requested=True)
        return comparisons.perform_comparison(context)

    perform_run(run_id=run.pk, work=work)
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert not ObjectiveComparison.objects.exists()


class TestPage:
    def test_shows_table_curves_and_the_way_on(
        self, empty_jury: Jury, manager_client: Client
    ) -> None:
        path = reverse("comparison", args=[compared(empty_jury).public_id])
        page = manager_client.get(path).content.decode()
        for words in ("25.00%", "75.00%", "0.250", "for comparison only", "plot-line", "proven"):
            assert words in page
        assert "style=" not in page
        assert "have changed since" not in page
        draw = reverse("admin:juries_jury_draw", args=[empty_jury.pk])
        assert f'href="{draw}?method=nash#choose"' in page
        assert "?method=greedy" not in page

    def test_says_when_it_is_old(self, empty_jury: Jury, manager_client: Client) -> None:
        path = reverse("comparison", args=[compared(empty_jury).public_id])
        Candidate.objects.filter(external_id="p7").update(state=Candidate.State.WITHDRAWN)
        assert "have changed since" in manager_client.get(path).content.decode()

    def test_a_method_without_a_lottery_keeps_its_reason(
        self, empty_jury: Jury, manager_client: Client
    ) -> None:
        comparison = compared(empty_jury)
        for method in comparison.content["methods"]:
            if method["method"] == "nash":
                for name in ("chances", "able", "everyone", "seconds", "gap"):
                    del method[name]
                method["reason"] = "Time ran out before a panel was found."
        comparison.save()
        path = reverse("comparison", args=[comparison.public_id])
        page = manager_client.get(path).content.decode()
        assert "No lottery: Time ran out before a panel was found." in page
        assert "?method=nash" not in page

    def test_files_hold_the_numbers_and_no_ids(
        self, empty_jury: Jury, manager_client: Client
    ) -> None:
        comparison = compared(empty_jury)

        def rows(name: str) -> list[dict[str, str]]:
            answer = manager_client.get(reverse(name, args=[comparison.public_id]))
            assert answer["Content-Type"].startswith("text/csv")
            return list(csv.DictReader(io.StringIO(answer.content.decode())))

        summary = {row["method"]: row for row in rows("comparison-summary")}
        assert float(summary["leximin"]["smallest"]) == pytest.approx(0.25)
        chances = rows("comparison-chances")
        assert len(chances) == 8
        assert [float(row["leximin"]) for row in chances] == pytest.approx([0.25] * 4 + [0.75] * 4)

    def test_is_for_managers(
        self, empty_jury: Jury, client: Client, stranger_client: Client, colleague_client: Client
    ) -> None:
        comparison = compared(empty_jury)
        for name in ("comparison", "comparison-summary", "comparison-chances"):
            path = reverse(name, args=[comparison.public_id])
            assert client.get(path).status_code == 302
            assert stranger_client.get(path).status_code == 403
            assert colleague_client.get(path).status_code == 403

    def test_is_asked_for_on_the_draw_page(
        self, empty_jury: Jury, staff_client: Client, count_queries: Callable[[Client, str], int]
    ) -> None:
        path = reverse("admin:juries_jury_draw", args=[empty_jury.pk])
        answer = staff_client.post(path, {"action": "compare", "time_limit": "1"})
        assert answer.status_code == 200
        assert not Run.objects.exists()
        answer = staff_client.post(path, {"action": "compare", "time_limit": "30"})
        run = Run.objects.get()
        assert answer["Location"] == reverse("run", args=[run.public_id])
        assert run.parameters["time_limit"] == 30
        again = staff_client.post(path, {"action": "compare", "time_limit": "30"}, follow=True)
        assert "is going on" in again.content.decode()
        perform_run(run_id=run.pk, work=comparisons.perform_comparison)
        page = staff_client.get(path, {"method": "minimax"}).content.decode()
        assert reverse("comparison", args=[run.comparison.public_id]) in page
        assert 'value="minimax" required id="id_method_4" checked' in page
        assert 'value="greedy"' not in page
        one = count_queries(staff_client, path)
        compared(empty_jury)
        compared(empty_jury)
        assert count_queries(staff_client, path) == one
