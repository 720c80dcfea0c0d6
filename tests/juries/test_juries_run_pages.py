"""Pages of background work: seen, cancelled, started again, by those who may."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from juries import tasks
from juries.models import AuditEntry, Run, User, WorkerHeartbeat
from juries.services import runs

sent: list[int] = []


@pytest.fixture(autouse=True)
def catch_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    sent.clear()
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: sent.append(run_id))


def make_run(**fields: object) -> Run:
    run = runs.request_run(kind="juries.draw", title="Draw of Town", parameters={"size": 4})
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


class TestPage:
    def test_shows_what_stands_on_the_run(self, staff_client: Client) -> None:
        run = make_run(
            state="failed", seed="s-77", input_digest="ab" * 32, log="12:00:00 began\n",
            error="The pool is empty.", progress_total=10, progress_done=3,
        )  # fmt: skip
        page = staff_client.get(reverse("run", args=[run.public_id])).content.decode()
        for words in ("s-77", "ab" * 32, "12:00:00 began", "The pool is empty.", "3 of 10"):
            assert words in page
        assert "&quot;size&quot;: 4" in page
        assert run.software_version in page
        assert "Start again" in page
        assert "http-equiv" not in page

    def test_asks_again_while_it_runs_with_and_without_scripts(self, staff_client: Client) -> None:
        run = make_run(state="running", heartbeat_at=timezone.now())
        page = staff_client.get(reverse("run", args=[run.public_id])).content.decode()
        panel = reverse("run-panel", args=[run.public_id])
        assert f'hx-get="{panel}?whole" hx-trigger="every 1s"' in page
        assert '<noscript><meta http-equiv="refresh"' in page
        part = staff_client.get(panel).content.decode()
        assert "<html" not in part
        assert "Cancel" in part

    def test_says_when_no_worker_answers(self, staff_client: Client) -> None:
        run = make_run()
        path = reverse("run", args=[run.public_id])
        assert "No worker has answered" in staff_client.get(path).content.decode()
        WorkerHeartbeat.objects.create(hostname="w", pid=1, seen_at=timezone.now())
        assert "No worker has answered" not in staff_client.get(path).content.decode()

    def test_a_run_whose_worker_went_silent_is_shown_as_failed(self, staff_client: Client) -> None:
        run = make_run(state="running", heartbeat_at=timezone.now() - timedelta(hours=1))
        page = staff_client.get(reverse("run", args=[run.public_id])).content.decode()
        assert "The worker stopped answering" in page
        assert "Start again" in page

    def test_links_the_result(self, staff_client: Client) -> None:
        run = make_run(state="succeeded", page_path="/draws/1/")
        assert 'href="/draws/1/"' in staff_client.get(
            reverse("run", args=[run.public_id])
        ).content.decode()  # fmt: skip


class TestSteering:
    def test_cancel_then_start_again(self, staff_client: Client) -> None:
        run = make_run()
        staff_client.post(reverse("run-cancel", args=[run.public_id]))
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
        staff_client.post(reverse("run-restart", args=[run.public_id]))
        run.refresh_from_db()
        assert (run.state, run.attempt) == (Run.State.QUEUED, 2)

    def test_who_steered_is_written_down_once(self, staff_client: Client, researcher: User) -> None:
        run = make_run(state="running", heartbeat_at=timezone.now())
        for _ in range(2):
            staff_client.post(reverse("run-cancel", args=[run.public_id]))
        Run.objects.filter(pk=run.pk).update(state="cancelled")
        staff_client.post(reverse("run-cancel", args=[run.public_id]))
        for _ in range(2):
            staff_client.post(reverse("run-restart", args=[run.public_id]))
        acts = AuditEntry.objects.filter(subject_id=str(run.public_id)).order_by("id")
        assert [(act.actor, act.verb, act.details["attempt"]) for act in acts] == [
            (researcher, "asked to cancel the run", 1),
            (researcher, "started the run again", 2),
        ]

    @pytest.mark.django_db(transaction=True)
    def test_a_restart_is_sent_after_the_commit(self, staff_client: Client) -> None:
        run = make_run(state="failed", error="x")
        with transaction.atomic():
            staff_client.post(reverse("run-restart", args=[run.public_id]))
            assert sent == []
        assert sent == [run.pk]

    def test_what_succeeded_is_not_started_again(self, staff_client: Client) -> None:
        run = make_run(state="succeeded")
        answer = staff_client.post(reverse("run-restart", args=[run.public_id]), follow=True)
        assert "only one that failed" in answer.content.decode()
        run.refresh_from_db()
        assert run.attempt == 1

    @pytest.mark.parametrize("action", ["run-cancel", "run-restart"])
    def test_looking_changes_nothing(self, staff_client: Client, action: str) -> None:
        run = make_run()
        assert staff_client.get(reverse(action, args=[run.public_id])).status_code == 405


class TestDoors:
    @pytest.mark.parametrize("name", ["run", "run-panel"])
    def test_reading(
        self,
        name: str,
        client: Client,
        stranger_client: Client,
        colleague_client: Client,
        manager_client: Client,
    ) -> None:
        path = reverse(name, args=[make_run().public_id])
        answer = client.get(path)
        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)
        assert stranger_client.get(path).status_code == 403
        assert colleague_client.get(path).status_code == 200
        assert manager_client.get(path).status_code == 200

    def test_steering(
        self,
        client: Client,
        stranger_client: Client,
        colleague: User,
        colleague_client: Client,
        manager_client: Client,
    ) -> None:
        run = make_run()
        path = reverse("run-cancel", args=[run.public_id])
        for refused in (client, stranger_client, colleague_client):
            assert refused.post(path).status_code in (302, 403)
            run.refresh_from_db()
            assert not run.cancel_requested
        assert "<button" not in colleague_client.get(
            reverse("run-panel", args=[run.public_id])
        ).content.decode()  # fmt: skip
        Run.objects.filter(pk=run.pk).update(requested_by=colleague)
        colleague_client.post(path)
        run.refresh_from_db()
        assert run.state == Run.State.CANCELLED
        manager_client.post(reverse("run-restart", args=[run.public_id]))
        run.refresh_from_db()
        assert run.state == Run.State.QUEUED

    def test_unknown_run(self, staff_client: Client, researcher: User) -> None:
        path = reverse("run", args=["00000000-0000-4000-8000-000000000000"])
        assert staff_client.get(path).status_code == 404


@pytest.mark.parametrize(
    "name", ["run-list", "admin:juries_run_changelist", "admin:juries_auditentry_changelist"]
)
def test_lists_take_as_many_queries_for_three_as_for_one(
    name: str,
    staff_client: Client,
    researcher: User,
    count_queries: Callable[[Client, str], int],
) -> None:
    def add(number: int) -> None:
        run = make_run(requested_by=User.objects.create_user(f"u{number}"))
        AuditEntry.objects.create(
            actor=run.requested_by, verb="did", subject_type="t", subject_id="1"
        )

    add(1)
    staff_client.get(reverse(name))
    one = count_queries(staff_client, reverse(name))
    add(2)
    add(3)
    assert count_queries(staff_client, reverse(name)) == one


def test_the_list_can_be_narrowed_to_a_state(staff_client: Client) -> None:
    make_run(state="failed", title="Broken draw")
    make_run(state="succeeded", title="Good draw")
    page = staff_client.get(reverse("run-list"), {"state": "failed"}).content.decode()
    assert "Broken draw" in page
    assert "Good draw" not in page


def test_records_are_not_changed_in_the_admin(staff_client: Client) -> None:
    run = make_run(title="Draw")
    path = reverse("admin:juries_run_change", args=[run.pk])
    assert staff_client.get(path).status_code == 200
    assert staff_client.post(path, {"title": "Other"}).status_code == 403
    assert staff_client.get(reverse("admin:juries_run_add")).status_code == 403
