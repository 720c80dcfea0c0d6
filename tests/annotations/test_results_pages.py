"""The results page: computing it, who sees it, its downloads, what it says when that failed."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from annotations.models import Participation, Rating, Response, Study, StudyRole
from annotations.ports import Figure, SectionContent, Table, results_sections
from annotations.selectors.results import results_digest, results_page, section_from_json
from annotations.services.results import perform_results, request_results
from juries.models import Jury, Run, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run, record_worker_heartbeat

SVG = '<svg xmlns="http://www.w3.org/2000/svg" role="img"><title>t</title></svg>'


class SmallSection:
    """A section with one figure, or what a test puts in its place."""

    key = "small"
    title = "Small"
    content: ClassVar[SectionContent | Exception] = SectionContent()
    mark: ClassVar[str] = ""

    def fingerprint(self, *, study: Study) -> str:
        return f"{Rating.objects.filter(response__query__study=study).count()}{self.mark}"

    def build(self, *, study: Study) -> SectionContent:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


@pytest.fixture
def small(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Only the small section is plugged in."""
    results_sections.cache_clear()
    settings.RESULTS_SECTIONS = [f"{__name__}.SmallSection"]
    yield lambda content: monkeypatch.setattr(SmallSection, "content", content)
    results_sections.cache_clear()


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    return make_study(jury=jury, queries=2)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def colleague(study: Study, role: str) -> Client:
    user = User.objects.create_user(f"the-{role}", password="a-long-password")
    StudyRole.objects.create(study=study, user=user, role=role)
    return client_of(user)


def computed(study: Study) -> Run:
    run = request_results(study=study, requested_by=None)
    perform_run(run_id=run.pk, work=perform_results)
    run.refresh_from_db()
    return run


def address(study: Study) -> str:
    return reverse("study-results", args=[study.public_id])


def rated(study: Study, values: Mapping[int, float | None]) -> None:
    """Each juror (by place) rates every response with one value."""
    assert study.jury is not None
    jurors = list(study.jury.jurors.order_by("id"))
    for place, value in values.items():
        Participation.objects.create(
            study=study, juror=jurors[place], ordinal=place, state="finished", completed_count=2
        )
        for response in Response.objects.filter(query__study=study):
            Rating.objects.create(
                juror=jurors[place],
                response=response,
                criterion=study.criteria.get(key="helpful"),
                value=value,
                created_at=timezone.now(),
            )


def table(*rows: tuple[Any, ...]) -> Table:
    return Table(columns=("who", "=how much"), rows=rows, numeric=frozenset({1}), caption="All")


def figure(**changed: Any) -> Figure:
    told = {"key": "one", "title": "What?", "svg": SVG, "caption": "c", "table": table(("a", 1.5))}
    return Figure(**{**told, **changed})


# --- Computing --------------------------------------------------------------------------------


def test_the_road_from_nothing_to_results(
    study: Study,
    researcher: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(researcher)
    page = client.get(address(study)).content.decode()
    assert "No results have been computed" in page
    with django_capture_on_commit_callbacks() as sent:
        answer = client.post(reverse("study-results-compute", args=[study.public_id]))
    assert answer["Location"] == address(study)
    assert len(sent) == 1
    run = Run.objects.get(kind="annotations.results")
    assert run.requested_by == researcher
    waiting = client.get(address(study)).content.decode()
    assert "The results are being computed" in waiting
    assert "No worker has answered for 30 seconds" in waiting
    record_worker_heartbeat(hostname="here", pid=1, now=timezone.now())
    assert "No worker has answered" not in client.get(address(study)).content.decode()
    perform_run(run_id=run.pk, work=perform_results)
    shown = client.get(address(study)).content.decode()
    assert "being computed" not in shown
    assert shown.count('id="who"') == 1
    assert "There is more to count" not in shown


def test_asking_twice_waits_for_the_first(study: Study, researcher: User) -> None:
    client = client_of(researcher)
    for _ in range(2):
        client.post(reverse("study-results-compute", args=[study.public_id]))
    assert Run.objects.filter(kind="annotations.results").count() == 1


def test_performing_again_after_a_crash_keeps_one_snapshot(study: Study) -> None:
    run = computed(study)
    Run.objects.filter(pk=run.pk).update(state="queued")
    perform_run(run_id=run.pk, work=perform_results)
    assert study.results_snapshots.count() == 1


def test_what_a_section_holds_comes_back_as_it_was(
    study: Study, small: Callable[[object], None]
) -> None:
    content = SectionContent(
        summary=("One.", "Two."),
        notices=("Mind.",),
        figures=(figure(is_predicted=True, n="3 jurors", interval="95 %", finding="a"),),
        tables=(("More", table(("b", None), ("c", 2))),),
        empty_reason="",
    )
    small(content)
    assert computed(study).state == "succeeded"
    snapshot = results_page(study=study).snapshot
    assert snapshot is not None
    assert section_from_json(snapshot.content["small"]) == content
    assert snapshot.input_digest == results_digest(study=study)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_snapshot_ever_holds_nan(
    study: Study, small: Callable[[object], None], bad: float
) -> None:
    small(SectionContent(figures=(figure(table=table(("a", bad))),)))
    run = computed(study)
    assert run.state == "failed"
    assert not study.results_snapshots.exists()


def test_a_failed_run_says_so_and_keeps_what_there_was(
    study: Study, small: Callable[[object], None], researcher: User
) -> None:
    small(SectionContent(summary=("All is well.",)))
    computed(study)
    small(ZeroDivisionError("no jurors to divide by"))
    assert computed(study).state == "failed"
    page = client_of(researcher).get(address(study)).content.decode()
    assert "The last attempt failed" in page
    assert "no jurors to divide by" in page
    assert "All is well." in page


def test_success_after_a_failure_is_no_failure(
    study: Study, small: Callable[[object], None], researcher: User
) -> None:
    small(ZeroDivisionError("once"))
    computed(study)
    small(SectionContent(summary=("All is well.",)))
    computed(study)
    assert results_page(study=study).failed is None


def test_one_study_does_not_see_the_runs_of_another(
    study: Study, make_study: Callable[..., Study], small: Callable[[object], None]
) -> None:
    small(ZeroDivisionError("mine"))
    computed(study)
    other = results_page(study=make_study())
    assert (other.snapshot, other.pending, other.failed) == (None, None, None)


# --- Out of date ------------------------------------------------------------------------------


def test_a_new_rating_makes_the_page_outdated(study: Study, researcher: User) -> None:
    rated(study, {0: 4, 1: 2})
    computed(study)
    client = client_of(researcher)
    assert "There is more to count" not in client.get(address(study)).content.decode()
    rated(study, {2: 1})
    assert results_page(study=study).is_outdated
    assert "There is more to count" in client.get(address(study)).content.decode()
    computed(study)
    assert not results_page(study=study).is_outdated


def test_withdrawn_answers_make_the_page_stale_until_computed_again(
    study: Study, researcher: User
) -> None:
    rated(study, {0: 4, 1: 2})
    computed(study)
    assert study.jury is not None
    withdraw_juror(juror=study.jury.jurors.order_by("id")[0], erase_said=True)
    page = results_page(study=study)
    assert page.snapshot is not None
    assert page.snapshot.stale_since is not None
    shown = client_of(researcher).get(address(study)).content.decode()
    assert "A juror has withdrawn what she said" in shown
    computed(study)
    fresh = results_page(study=study).snapshot
    assert fresh is not None
    assert fresh.stale_since is None


def test_who_leaves_and_keeps_her_answers_makes_nothing_stale(study: Study) -> None:
    rated(study, {0: 4, 1: 2})
    computed(study)
    assert study.jury is not None
    withdraw_juror(juror=study.jury.jurors.order_by("id")[0], erase_said=False)
    page = results_page(study=study)
    assert page.snapshot is not None
    assert page.snapshot.stale_since is None
    assert page.is_outdated, "who answered has changed"


# --- Downloads --------------------------------------------------------------------------------


def get(study: Study, client: Client, section: str, name: str, form: str) -> Any:
    path = reverse("study-results-download", args=[study.public_id, section, name, form])
    return client.get(path)


def test_a_figure_comes_as_svg_csv_and_json(
    study: Study, small: Callable[[object], None], researcher: User
) -> None:
    small(SectionContent(figures=(figure(),), tables=(("More", table(("b", None))),)))
    run = computed(study)
    client = client_of(researcher)
    svg = get(study, client, "small", "one", "svg")
    assert svg.content.decode() == SVG
    assert svg["Content-Type"] == "image/svg+xml"
    assert svg["Content-Disposition"] == f'attachment; filename="{study.slug}-small-one.svg"'
    assert json.loads(get(study, client, "small", "one", "json").content) == {
        "study": str(study.public_id),
        "run": str(run.public_id),
        "title": "What?",
        "columns": ["who", "=how much"],
        "rows": [["a", 1.5]],
    }
    rows = list(csv.reader(io.StringIO(get(study, client, "small", "one", "csv").content.decode())))
    assert rows == [["who", "'=how much"], ["a", "1.5"]]
    empty = get(study, client, "small", "table-0", "csv").content.decode()
    assert empty.splitlines()[1] == "b,"
    shown = client.get(address(study)).content.decode()
    for name, form in (("one", "svg"), ("one", "csv"), ("table-0", "json")):
        assert f"{name}.{form}" in shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_cell_of_a_csv_is_a_formula(
    study: Study, small: Callable[[object], None], researcher: User, start: str
) -> None:
    small(SectionContent(figures=(figure(table=table((f"{start}1+1", -2.5))),)))
    computed(study)
    body = get(study, client_of(researcher), "small", "one", "csv").content.decode()
    ((text, number),) = list(csv.reader(io.StringIO(body, newline="")))[1:]
    assert text == f"'{start}1+1"
    assert number == "-2.5", "a number is no formula"


@pytest.mark.parametrize(
    ("section", "name", "form"),
    [
        ("small", "two", "svg"),
        ("small", "one", "exe"),
        ("small", "table-1", "csv"),
        ("small", "table-0", "svg"),
        ("other", "one", "svg"),
    ],
)
def test_what_is_not_there_is_not_found(
    study: Study,
    small: Callable[[object], None],
    researcher: User,
    section: str,
    name: str,
    form: str,
) -> None:
    small(SectionContent(figures=(figure(),), tables=(("More", table(("b", 1))),)))
    client = client_of(researcher)
    assert get(study, client, "small", "one", "svg").status_code == 404
    computed(study)
    assert get(study, client, section, name, form).status_code == 404


def test_real_figures_download(study: Study, researcher: User) -> None:
    rated(study, {0: 4, 1: 2, 2: 5})
    assert computed(study).state == "succeeded"
    client = client_of(researcher)
    page = client.get(address(study)).content.decode()
    links = [part.split('"')[0] for part in page.split('href="')[1:] if "/results/" in part]
    downloads = [link for link in links if link.endswith((".svg", ".csv", ".json"))]
    assert len(downloads) > 10
    for link in downloads:
        answer = client.get(link)
        assert answer.status_code == 200, link
        if link.endswith(".json"):
            assert "NaN" not in answer.content.decode()


# --- Who sees what ----------------------------------------------------------------------------


def test_three_people(study: Study, small: Callable[[object], None], stranger: User) -> None:
    small(SectionContent(figures=(figure(),)))
    computed(study)
    compute = reverse("study-results-compute", args=[study.public_id])
    download = reverse("study-results-download", args=[study.public_id, "small", "one", "svg"])
    nobody = Client()
    for path in (address(study), download):
        assert nobody.get(path)["Location"].startswith(reverse("admin:login"))
        assert client_of(stranger).get(path).status_code == 404
    assert nobody.post(compute).status_code == 302
    assert client_of(stranger).post(compute).status_code == 404
    viewer = colleague(study, "viewer")
    assert viewer.get(address(study)).status_code == 200
    assert viewer.get(download).status_code == 200
    assert viewer.post(compute).status_code == 404
    assert Run.objects.filter(kind="annotations.results").count() == 1
    assert colleague(study, "editor").post(compute).status_code == 302
    assert Run.objects.filter(kind="annotations.results").count() == 2


def test_a_viewer_is_offered_no_button_that_refuses_her(
    study: Study, small: Callable[[object], None]
) -> None:
    small(SectionContent(figures=(figure(),)))
    viewer = colleague(study, "viewer")
    compute = reverse("study-results-compute", args=[study.public_id])
    assert compute not in viewer.get(address(study)).content.decode()
    computed(study)
    assert compute not in viewer.get(address(study)).content.decode()
    assert compute in colleague(study, "editor").get(address(study)).content.decode()


def test_computing_takes_a_post(study: Study, researcher: User) -> None:
    path = reverse("study-results-compute", args=[study.public_id])
    assert client_of(researcher).get(path).status_code == 405


def test_the_page_takes_as_many_queries_whatever_it_shows(
    make_study: Callable[..., Study], jury: Jury, researcher: User
) -> None:
    counts = []
    for size, people in ((1, {0: 4, 1: 3}), (3, {0: 4, 1: 3, 2: 1, 3: 5})):
        study = make_study(jury=jury, queries=size)
        rated(study, people)
        for _ in range(size):
            computed(study)
        client = client_of(researcher)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(study)).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
