"""A draw in public through the API: rights, steps, documents; comparisons; a draw as JSON."""

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from juries import tasks
from juries.domain.draw_file import lottery_document
from juries.domain.lottery import find_lottery
from juries.models import Candidate, Draw, Jury, PublishedRecord, Run
from juries.selectors.draws import draw_inputs
from juries.selectors.records import lottery_as_json
from juries.services.comparisons import perform_comparison
from juries.services.draws import perform_draw
from juries.services.lotteries import engine_version
from juries.services.runs import perform_run

if TYPE_CHECKING:
    from tests.api.conftest import World


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


@pytest.fixture
def draw(world: "World") -> Draw:
    """A lottery of a new jury that waits for its record."""
    jury = Jury.objects.create(pool=world.jury.pool, name="New", size=4)
    url = reverse("api-draws", args=[jury.public_id])
    asked = world.by_manager.post(url, {"mode": "record"})
    assert asked.status_code == 202, asked.content
    run = Run.objects.get(public_id=asked.json()["id"])
    perform_run(run_id=run.pk, work=perform_draw)
    run.refresh_from_db()
    return Draw.objects.get(public_id=run.result["draw"])


def told(**fields: Any) -> dict[str, Any]:
    return {"source": "Dice", "source_date": timezone.localdate().isoformat(), **fields}


def test_from_the_lottery_to_the_result(world: "World", draw: Draw) -> None:
    records = reverse("api-published-records", args=[draw.public_id])
    assert APIClient().get(records).status_code == 404
    made = world.by_manager.post(records, told(spelling="as rolled"))
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["number"], row["state"], row["draw"]) == (1, "waiting", str(draw.public_id))
    assert (row["spelling"], row["panel_number"], row["public_value"]) == ("as rolled", None, "")
    assert made["Location"] == reverse("api-published-record", args=[draw.public_id, 1])
    assert APIClient().get(made["Location"]).json() == row
    document = APIClient().get(f"{made['Location']}document/")
    assert hashlib.sha256(document.content).hexdigest() == row["digest"]
    assert APIClient().get(f"{made['Location']}result/").status_code == 404
    drawn = world.by_manager.post(f"{made['Location']}value/", {"value": "3, 1, 4"}).json()
    assert (drawn["state"], drawn["public_value"]) == ("drawn", "3 1 4")
    result = APIClient().get(f"{made['Location']}result/")
    assert hashlib.sha256(result.content).hexdigest() == drawn["result_digest"]
    assert result.json()["panel"] == drawn["panel_number"]
    seated = {str(seat.juror.candidate.public_id) for seat in draw.jury.seats.all()}
    assert seated == set(result.json()["members"])
    again = world.by_manager.post(f"{made['Location']}value/", {"value": "1"})
    assert again.status_code == 409
    assert "That stands" in again.json()["detail"]


def test_only_managers_write(world: "World", draw: Draw) -> None:
    records = reverse("api-published-records", args=[draw.public_id])
    assert world.by_manager.post(records, told()).status_code == 201
    one = reverse("api-published-record", args=[draw.public_id, 1])
    bodies = ((records, told()), (f"{one}value/", {"value": "1"}), (f"{one}void/", {"reason": "x"}))
    for url, body in bodies:
        assert world.by_owner.post(url, body).status_code == 403
        assert APIClient().post(url, body, format="json").status_code == 401
    assert PublishedRecord.objects.get().state == "waiting"


def test_bad_bodies_are_refused_by_name(world: "World", draw: Draw) -> None:
    records = reverse("api-published-records", args=[draw.public_id])
    for body, words in (
        ({"source": "Dice"}, "source_date"),
        (told(secret="1"), "There is no field 'secret'"),
    ):
        refused = world.by_manager.post(records, body)
        assert refused.status_code == 400
        assert words in refused.content.decode()
    refused = world.by_manager.post(records, told(source_date="2000-01-01"))
    assert refused.status_code == 409
    assert "is over" in refused.json()["detail"]
    seeded = world.jury.draws.get()
    url = reverse("api-published-records", args=[seeded.public_id])
    assert world.by_manager.post(url, told()).status_code == 409
    publish = reverse("api-draw-publish", args=[draw.public_id])
    assert "publish its record" in world.by_manager.post(publish).json()["detail"]


def test_a_pool_that_changed_voids_the_record_for_all_to_see(world: "World", draw: Draw) -> None:
    records = reverse("api-published-records", args=[draw.public_id])
    world.by_manager.post(records, told())
    Candidate.objects.filter(external_id="p7").update(state="withdrawn")
    refused = world.by_manager.post(f"{records}1/value/", {"value": "1"})
    assert refused.status_code == 409
    assert "1 candidate can't be drawn any more" in refused.json()["detail"]
    (row,) = APIClient().get(records).json()["results"]
    assert row["state"] == "void"
    assert "1 candidate can't be drawn any more" in row["void_reason"]


def test_a_void_record_stays_listed(world: "World", draw: Draw) -> None:
    records = reverse("api-published-records", args=[draw.public_id])
    for number in (1, 2, 3):
        assert world.by_manager.post(records, told()).json()["number"] == number
        voided = world.by_manager.post(f"{records}{number}/void/", {"reason": "Lost."}).json()
        assert (voided["state"], voided["void_reason"]) == ("void", "Lost.")
    rows = APIClient().get(records).json()["results"]
    assert [row["number"] for row in rows] == [1, 2, 3]


def test_a_draw_is_read_with_its_lottery(world: "World", draw: Draw) -> None:
    url = reverse("api-draw", args=[draw.public_id])
    read = world.by_manager.get(url).json()
    people = {str(person.public_id) for person in world.jury.pool.candidates.all()}
    assert set(read["probabilities"]) == people
    assert sum(read["probabilities"].values()) == pytest.approx(4)
    assert len(read["panels"]) == len(read["weights"])
    assert sum(read["weights"]) == pytest.approx(1)
    assert all(len(panel) == 4 and set(panel) <= people for panel in read["panels"])
    assert (read["objective"], read["mode"], read["seed"]) == (draw.method, "record", None)
    assert read["gap"] == pytest.approx(0, abs=1e-6)
    assert read["lower_bound"] == pytest.approx(0.5)
    assert read["seconds"] > 0
    assert "highspy" in read["engine"]
    assert APIClient().get(url).status_code == 404


def test_a_draw_has_the_names_and_numbers_of_the_command(world: "World", draw: Draw) -> None:
    inputs = draw_inputs(jury=draw.jury)
    written = lottery_document(
        lottery=find_lottery(**inputs.arguments), seed=None, engine=engine_version()
    )
    read = lottery_as_json(draw=Draw.objects.get(pk=draw.pk))
    assert set(read) <= set(written)
    for name in set(read) - {"seconds"}:
        assert read[name] == written[name], name


def test_a_mode_that_does_not_exist_is_refused(world: "World") -> None:
    url = reverse("api-draws", args=[world.jury.public_id])
    refused = world.by_manager.post(url, {"mode": "dice"})
    assert refused.status_code == 400
    assert "legal are: seed, record" in refused.json()["detail"]


def test_objectives_are_compared(world: "World") -> None:
    url = reverse("api-comparisons", args=[world.jury.public_id])
    asked = world.by_manager.post(url, {"time_limit": 30})
    assert asked.status_code == 202, asked.content
    assert world.by_manager.post(url, {}).status_code == 409
    assert world.by_owner.post(url, {}).status_code == 403
    run = Run.objects.get(public_id=asked.json()["id"])
    perform_run(run_id=run.pk, work=perform_comparison)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    (row,) = world.by_manager.get(url).json()["results"]
    one = reverse("api-comparison", args=[world.jury.public_id, row["id"]])
    content = world.by_manager.get(one).json()["content"]
    assert (content["size"], content["candidates"]) == (4, 8)
    assert {method["method"] for method in content["methods"]} >= {"maximin"}
    assert all(method["chances"] == [0.5] * 8 for method in content["methods"]
               if method["method"] == "maximin")  # fmt: skip
    assert APIClient().get(one).status_code == 401
