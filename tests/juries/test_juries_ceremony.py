"""A draw in public: the record, the value, what stops it, and what the public can check."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juries import tasks
from juries.domain.beacon import panel_number
from juries.models import (
    AuditEntry,
    Candidate,
    Draw,
    FeatureValue,
    Jury,
    Pool,
    PublishedRecord,
    Run,
    Seat,
)
from juries.selectors.draws import canonical_json, draw_inputs
from juries.selectors.records import Randomness, changes_since, record_content
from juries.services import ceremony, draws, invitations, quotas
from juries.services.ceremony import CeremonyRefused
from juries.services.quotas import WantedQuota
from juries.services.runs import perform_run

VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "verify_draw.py"
DAY = date(2026, 12, 5)
DICE = Randomness("Ten dice rolled in the town hall", DAY, "in the order of the rolls")
VALUE = "3 1 6 6 2 5 1 1 4 2"


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


@pytest.fixture
def empty_jury(pool: Pool) -> Jury:
    """Four seats, two of them for women."""
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    wanted = [
        WantedQuota((value_id(pool, "gender", "woman"),), 2, 2),
        WantedQuota((value_id(pool, "age", "40 and over"),), 1, 3),
    ]
    quotas.set_quotas(jury=jury, quotas=wanted)
    return jury


def value_id(pool: Pool, feature: str, value: str) -> int:
    return FeatureValue.objects.get(feature__pool=pool, feature__name=feature, value=value).pk


def found(jury: Jury) -> Draw:
    run = draws.request_draw(jury=jury, mode=Draw.Mode.RECORD)
    perform_run(run_id=run.pk, work=draws.perform_draw)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return run.draw


def published(draw: Draw, randomness: Randomness = DICE) -> PublishedRecord:
    return ceremony.publish_record(draw=draw, randomness=randomness, today=randomness.date)


def drawn(jury: Jury) -> PublishedRecord:
    record = published(found(jury))
    return ceremony.enter_value(record=record, value=VALUE, today=DAY)


class TestLottery:
    def test_nobody_is_seated_and_nothing_is_public(self, empty_jury: Jury) -> None:
        draw = found(empty_jury)
        assert not empty_jury.seats.exists()
        assert (draw.published_at, draw.finished_at, draw.seed) == (None, None, "")
        assert len(draw.numbered["panels"]) == 1000
        assert "drawn" not in draw.record
        assert draw.seconds is not None
        assert draw.chances.filter(is_drawn=True).count() == 0
        assert sum(draw.chances.values_list("probability", flat=True)) == pytest.approx(4)

    def test_a_seed_has_no_place_in_it(self, empty_jury: Jury) -> None:
        with pytest.raises(draws.DrawRefused, match="has no seed"):
            draws.request_draw(jury=empty_jury, mode=Draw.Mode.RECORD, seed="1")
        with pytest.raises(draws.DrawRefused, match="seed, record"):
            draws.request_draw(jury=empty_jury, mode="other")

    def test_it_is_not_published_like_a_draw_with_a_seed(self, empty_jury: Jury) -> None:
        with pytest.raises(draws.DrawRefused, match="publish its record"):
            draws.publish_draw(draw=found(empty_jury))

    def test_a_pool_that_changed_meanwhile_stops_it(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury, mode=Draw.Mode.RECORD)
        Candidate.objects.filter(external_id="p7").update(state=Candidate.State.WITHDRAWN)
        perform_run(run_id=run.pk, work=draws.perform_draw)
        run.refresh_from_db()
        assert "have changed since" in run.error
        assert not Draw.objects.exists()


class TestRecord:
    def test_names_panels_chances_and_the_source(self, empty_jury: Jury) -> None:
        draw = found(empty_jury)
        record = published(draw)
        content = json.loads(record.content)
        assert hashlib.sha256(record.content.encode()).hexdigest() == record.digest
        assert canonical_json(content).decode() == record.content
        assert len(content["panels"]) == 1000
        assert content["panels"] == sorted(content["panels"])
        assert sum(content["chances"]) == 4000
        assert content["randomness"] == {
            "source": DICE.source, "date": "2026-12-05", "spelling": DICE.spelling,
        }  # fmt: skip
        assert (content["number"], content["earlier_records"]) == (1, [])
        assert (content["objective"], content["gap"]) == (draw.method, "0.000000000")
        assert content["smallest_chance"] == "0.500000000"
        assert set(content["candidates"]) == {
            str(public_id) for public_id in Candidate.objects.values_list("public_id", flat=True)
        }
        draw.refresh_from_db()
        assert draw.published_at == record.published_at

    def test_has_no_identity_and_no_traits_of_anybody(self, empty_jury: Jury) -> None:
        content = json.loads(published(found(empty_jury)).content)
        assert "counts_towards" not in content
        text = json.dumps({**content, "quotas": []})
        for word in ("woman", "man", "under 40", "p0", "p7"):
            assert f'"{word}"' not in text

    def test_says_who_counts_towards_what_only_if_asked(self, empty_jury: Jury) -> None:
        record = ceremony.publish_record(
            draw=found(empty_jury), randomness=DICE, today=DAY, with_quota_membership=True
        )
        content = json.loads(record.content)
        women = [
            who
            for who, places in zip(content["candidates"], content["counts_towards"], strict=True)
            if 0 in places
        ]
        said = Candidate.objects.filter(traits__feature_value__value="woman")
        assert women == sorted(str(person.public_id) for person in said)
        assert record.shows_membership
        assert checked(record) == []

    def test_the_same_lottery_gives_the_same_bytes(self, empty_jury: Jury) -> None:
        def content(draw: Draw) -> bytes:
            made = record_content(draw=draw, number=1, earlier=[], randomness=DICE)
            return canonical_json(made)

        assert content(found(empty_jury)) == content(found(empty_jury))

    def test_how_far_quotas_may_give_way_is_no_part_of_it(self, empty_jury: Jury) -> None:
        """So a record holds when somebody says so afterwards: the quotas in force are the same."""

        def content(draw: Draw) -> bytes:
            made = record_content(draw=draw, number=1, earlier=[], randomness=DICE)
            return canonical_json(made)

        draw = found(empty_jury)
        record = published(draw)
        empty_jury.quotas.update(flexible_minimum=0, flexible_maximum=4)
        ceremony.enter_value(record=record, value=VALUE, today=DAY)
        record.refresh_from_db()
        assert record.state == "drawn"
        other = Jury.objects.create(pool=empty_jury.pool, name="Other", size=4)
        flexible = [
            WantedQuota.of(row, value_ids=row.feature_values.values_list("pk", flat=True))
            for row in empty_jury.quotas.all()
        ]
        quotas.set_quotas(jury=other, quotas=flexible)
        twin = json.loads(content(found(other)))
        assert canonical_json({**twin, "jury": str(empty_jury.public_id)}) == content(draw)

    @pytest.mark.parametrize(
        ("randomness", "words"),
        [
            (Randomness(" ", DAY), "Name the source"),
            (Randomness("Lotto", DAY - timedelta(days=1)), "that is over"),
            (Randomness("x" * 301, DAY), "301 characters"),
            (Randomness("Lotto", DAY, "x" * 301), "301 characters"),
        ],
    )
    def test_a_source_that_cannot_be_is_refused(
        self, empty_jury: Jury, randomness: Randomness, words: str
    ) -> None:
        with pytest.raises(CeremonyRefused, match=words):
            ceremony.publish_record(draw=found(empty_jury), randomness=randomness, today=DAY)
        assert not PublishedRecord.objects.exists()

    def test_only_one_is_in_force(self, empty_jury: Jury) -> None:
        first, second = found(empty_jury), found(empty_jury)
        published(first)
        for draw in (first, second):
            with pytest.raises(CeremonyRefused, match="Record 1 of this jury is published"):
                published(draw)
        with pytest.raises(draws.DrawRefused, match="waits for its public value"):
            draws.request_draw(jury=empty_jury)
        with pytest.raises(IntegrityError), transaction.atomic():
            PublishedRecord.objects.create(
                draw=second, jury=empty_jury, number=2, content="{}", digest="0" * 64,
                source="x", source_date=DAY, published_at=timezone.now(),
            )  # fmt: skip

    def test_a_draw_with_a_seed_has_none(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury, seed="1")
        perform_run(run_id=run.pk, work=draws.perform_draw)
        with pytest.raises(CeremonyRefused, match="with a seed"):
            published(Draw.objects.get(run=run))

    def test_a_lottery_of_another_pool_is_not_published(self, empty_jury: Jury) -> None:
        draw = found(empty_jury)
        Candidate.objects.filter(external_id="p7").update(state=Candidate.State.WITHDRAWN)
        with pytest.raises(CeremonyRefused, match="1 candidate can't be drawn any more"):
            published(draw)

    def test_a_void_one_stays_and_the_next_names_it(self, empty_jury: Jury) -> None:
        draw = found(empty_jury)
        first = published(draw)
        with pytest.raises(CeremonyRefused, match="Say why"):
            ceremony.void_record(record=first, reason=" ")
        ceremony.void_record(record=first, reason="The dice were lost.")
        second = published(draw)
        content = json.loads(second.content)
        assert (second.number, content["earlier_records"]) == (2, [first.digest])
        first.refresh_from_db()
        assert (first.state, first.void_reason) == ("void", "The dice were lost.")
        with pytest.raises(CeremonyRefused, match="The dice were lost"):
            ceremony.enter_value(record=first, value=VALUE, today=DAY)
        with pytest.raises(CeremonyRefused, match="is void"):
            ceremony.void_record(record=first, reason="again")


class TestValue:
    def test_draws_the_panel_that_it_picks(self, empty_jury: Jury) -> None:
        record = drawn(empty_jury)
        content, result = json.loads(record.content), json.loads(record.result)
        number = panel_number(record_digest=record.digest, public_value=VALUE, panels=1000)
        members = [content["candidates"][place] for place in content["panels"][number]]
        assert result == {
            "format": "venire-result-1",
            "jury": str(empty_jury.public_id),
            "record": record.digest,
            "public_value": VALUE,
            "panel": number,
            "members": members,
        }
        assert hashlib.sha256(record.result.encode()).hexdigest() == record.result_digest
        seats = empty_jury.seats.order_by("number")
        assert [str(seat.juror.candidate.public_id) for seat in seats] == members
        assert record.draw.chances.filter(is_drawn=True).count() == 4
        assert (record.state, record.panel_number) == ("drawn", number)
        record.draw.refresh_from_db()
        assert record.draw.finished_at is not None
        verbs = list(AuditEntry.objects.values_list("verb", flat=True))
        assert {"found a lottery", "published a record", "drew in public"} <= set(verbs)

    def test_is_the_same_however_it_is_spelled(self, empty_jury: Jury) -> None:
        record = ceremony.enter_value(
            record=published(found(empty_jury)), value=" 3-1-6-6-2, 5 1 1 4 2\n", today=DAY
        )
        assert record.public_value == VALUE

    def test_stands_once_entered(self, empty_jury: Jury) -> None:
        record = drawn(empty_jury)
        seats = set(empty_jury.seats.values_list("pk", flat=True))
        with pytest.raises(CeremonyRefused, match=f"with the value “{VALUE}”"):
            ceremony.enter_value(record=record, value="1", today=DAY)
        with pytest.raises(CeremonyRefused, match="That stands"):
            ceremony.void_record(record=record, reason="I don't like it")
        with pytest.raises(draws.DrawRefused, match="by its published record 1"):
            draws.request_draw(jury=empty_jury)
        with pytest.raises(CeremonyRefused, match="by its published record 1"):
            published(record.draw)
        assert set(empty_jury.seats.values_list("pk", flat=True)) == seats

    def test_cannot_be_known_before_its_day(self, empty_jury: Jury) -> None:
        record = published(found(empty_jury))
        with pytest.raises(CeremonyRefused, match="can't be known on 2026-12-04"):
            ceremony.enter_value(record=record, value=VALUE, today=DAY - timedelta(days=1))
        with pytest.raises(CeremonyRefused, match="no digit"):
            ceremony.enter_value(record=record, value="?", today=DAY)
        record.refresh_from_db()
        assert record.state == "waiting"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ("withdraw", "1 candidate can't be drawn any more"),
            ("join", "1 candidate has come into the pool"),
            ("quota", "The quota of gender: woman was 2 to 2 and is 1 to 3"),
            ("drop", "The quota of age: 40 and over is gone"),
            ("size", "The size of the jury was 4 and is 3"),
            ("household", "household was no limit and is 1"),
            ("trait", "Traits or households"),
        ],
    )
    def test_voids_a_record_that_does_not_hold_any_more(
        self, empty_jury: Jury, change: str, words: str
    ) -> None:
        record = published(found(empty_jury))
        pool = empty_jury.pool
        woman, old = value_id(pool, "gender", "woman"), value_id(pool, "age", "40 and over")
        someone = Candidate.objects.filter(external_id="p7")
        if change == "withdraw":
            someone.update(state=Candidate.State.WITHDRAWN)
        elif change == "join":
            pool.candidates.create(external_id="new")
        elif change in ("quota", "drop"):
            bounds = (1, 3) if change == "quota" else (2, 2)
            kept = [WantedQuota((woman,), *bounds)]
            kept += [WantedQuota((old,), 1, 3)] if change == "quota" else []
            quotas.set_quotas(jury=empty_jury, quotas=kept)
        elif change == "size":
            Jury.objects.update(size=3)
        elif change == "household":
            Jury.objects.update(household_limit=1)
        else:
            someone.get().traits.filter(feature__name="gender").update(feature_value=woman)
        with pytest.raises(CeremonyRefused, match=words):
            ceremony.enter_value(record=record, value=VALUE, today=DAY)
        record.refresh_from_db()
        assert record.state == "void"
        assert words in record.void_reason
        assert record.public_value == VALUE
        assert not empty_jury.seats.exists()
        again = published(found(Jury.objects.get(pk=empty_jury.pk)))
        assert again.number == 2

    def test_a_rest_that_ends_changes_nothing_and_one_that_begins_does(
        self, empty_jury: Jury
    ) -> None:
        Jury.objects.update(rest_months=1)
        empty_jury.refresh_from_db()
        other = Jury.objects.create(pool=empty_jury.pool, name="Other", size=1)
        people = list(empty_jury.pool.candidates.order_by("id"))

        def accepts(person: Candidate, number: int) -> Seat:
            juror = other.jurors.create(candidate=person)
            return other.seats.create(juror=juror, number=number, state=Seat.State.ACCEPTED)

        resting = accepts(people[0], 1)
        draw = found(empty_jury)
        assert draw.record["must_not_sit"] == [str(people[0].public_id)]
        assert draw.chances.get(candidate=people[0]).probability == 0
        record = published(draw)
        Seat.objects.filter(pk=resting.pk).update(changed_at=timezone.now() - timedelta(days=99))
        assert changes_since(draw=draw, inputs=draw_inputs(jury=empty_jury)) == []
        accepts(people[1], 2)
        with pytest.raises(CeremonyRefused, match="1 candidate has accepted a seat on another"):
            ceremony.enter_value(record=record, value=VALUE, today=DAY)

    def test_whoever_was_invited_keeps_her_seat(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury, seed="1")
        perform_run(run_id=run.pk, work=draws.perform_draw)
        record = published(found(empty_jury))
        invitations.invite(
            seats=[empty_jury.seats.get(number=2)],
            expires_in=timedelta(days=1),
            now=timezone.now(),
        )
        with pytest.raises(CeremonyRefused, match="seat 2 has been invited"):
            ceremony.enter_value(record=record, value=VALUE, today=DAY)
        assert empty_jury.seats.get(number=2).state == Seat.State.INVITED

    def test_a_record_changed_in_the_database_draws_nobody(self, empty_jury: Jury) -> None:
        record = published(found(empty_jury))
        PublishedRecord.objects.update(content=record.content.replace('"size":4', '"size":5'))
        with pytest.raises(CeremonyRefused, match="SHA-256 differs"):
            ceremony.enter_value(record=record, value=VALUE, today=DAY)
        assert not empty_jury.seats.exists()


def verifier() -> ModuleType:
    spec = spec_from_file_location("verify_draw", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(record: PublishedRecord) -> list[str]:
    problems: list[str] = verifier().check(record.content.encode(), record.digest)[0]
    return problems


class TestVerifier:
    def run(self, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", str(VERIFIER), *arguments],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip

    def test_comes_to_the_same_panel(self, empty_jury: Jury, tmp_path: Path) -> None:
        record = drawn(empty_jury)
        path, result = tmp_path / "record.json", tmp_path / "result.json"
        path.write_text(record.content)
        result.write_text(record.result)
        for seed, value in (("1", VALUE), ("2", str(result)), ("3", "3,1,6,6,2,5,1,1,4,2")):
            answer = self.run(str(path), record.digest, value, seed=seed)
            assert answer.returncode == 0, answer.stdout + answer.stderr
            assert answer.stdout.splitlines()[0] == "The record is sound."
            assert f"draws panel {record.panel_number}:" in answer.stdout
            assert answer.stdout.splitlines()[2:] == json.loads(record.result)["members"]
        assert "No public value" in self.run(str(path), record.digest).stdout
        assert self.run(str(path)).returncode == 1

    def test_finds_a_forged_result(self, empty_jury: Jury, tmp_path: Path) -> None:
        record = drawn(empty_jury)
        path, result = tmp_path / "record.json", tmp_path / "result.json"
        path.write_text(record.content)
        forged = {**json.loads(record.result), "panel": (record.panel_number or 0) + 1}
        result.write_text(json.dumps(forged))
        answer = self.run(str(path), record.digest, str(result))
        assert answer.returncode == 1
        assert "the result says something else" in answer.stdout

    def test_any_changed_byte_is_found(self, empty_jury: Jury) -> None:
        record = published(found(empty_jury))
        content, check = record.content.encode(), verifier().check

        @given(st.integers(0, len(content) - 1), st.integers(1, 255))
        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        def change(place: int, by: int) -> None:
            changed = bytearray(content)
            changed[place] ^= by
            assert check(bytes(changed), record.digest)[0] != []

        change()
        assert check(content, record.digest)[0] == []

    @pytest.mark.parametrize(
        ("forge", "words"),
        [
            (lambda c: c["panels"][7].__setitem__(0, c["panels"][7][1]), "4 different members"),
            (lambda c: c["panels"][7].pop(), "4 different members"),
            (lambda c: c["panels"][7].__setitem__(3, 8), "4 different members"),
            (lambda c: c["chances"].__setitem__(0, 1), "not on 1"),
            (lambda c: c["exact_chances"].__setitem__(0, "0.4"), "moved further"),
            (lambda c: c["quotas"][0].update(minimum=3), "breaks the quota"),
        ],
    )
    def test_a_dishonest_record_is_found(
        self, empty_jury: Jury, forge: Callable[[dict[str, object]], None], words: str
    ) -> None:
        record = ceremony.publish_record(
            draw=found(empty_jury), randomness=DICE, today=DAY, with_quota_membership=True
        )
        content = json.loads(record.content)
        forge(content)
        forged = canonical_json(content)
        problems = verifier().check(forged, hashlib.sha256(forged).hexdigest())[0]
        assert any(words in problem for problem in problems)

    def test_another_spelling_of_the_same_record_is_found(self, empty_jury: Jury) -> None:
        forged = json.dumps(json.loads(published(found(empty_jury)).content)).encode()
        problems = verifier().check(forged, hashlib.sha256(forged).hexdigest())[0]
        assert problems == ["The record is not written in the canonical form."]

    def test_the_record_of_a_seed_is_sent_elsewhere(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury, seed="1")
        perform_run(run_id=run.pk, work=draws.perform_draw)
        content = canonical_json(Draw.objects.get(run=run).record)
        problems = verifier().check(content, hashlib.sha256(content).hexdigest())[0]
        assert "verify_seeded_draw.py" in problems[0]


class TestPages:
    def test_the_steps_from_the_draw_page(
        self, empty_jury: Jury, manager_client: Client, client: Client
    ) -> None:
        draw = found(empty_jury)
        page = reverse("draw", args=[draw.public_id])
        assert client.get(page).status_code == 404
        assert "nothing is published" in manager_client.get(page).content.decode()
        publish = reverse("record-publish", args=[draw.public_id])
        told = {"source": "Lotto", "source_date": "2000-01-01"}
        answer = manager_client.post(publish, told, follow=True)
        assert "that is over" in answer.content.decode()
        told["source_date"] = timezone.localdate().isoformat()
        manager_client.post(publish, told)
        record = PublishedRecord.objects.get()
        text = client.get(page).content.decode()
        for words in ("the panel is not drawn", record.digest, "Lotto", "1000 numbered panels"):
            assert words in text
        assert "Enter the public value" not in text
        content = client.get(reverse("record", args=[draw.public_id, 1])).content
        assert hashlib.sha256(content).hexdigest() == record.digest
        assert client.get(reverse("record-result", args=[draw.public_id, 1])).status_code == 404
        enter = reverse("record-draw", args=[draw.public_id, 1])
        assert (
            "no digit" in manager_client.post(enter, {"value": "!"}, follow=True).content.decode()
        )
        assert "required" in manager_client.post(enter, {}, follow=True).content.decode()
        manager_client.post(enter, {"value": "4 8 15"})
        record.refresh_from_db()
        text = client.get(page).content.decode()
        assert f"Panel {record.panel_number} was drawn" in text
        assert "“4 8 15” drew panel" in text
        result = client.get(reverse("record-result", args=[draw.public_id, 1])).content
        assert hashlib.sha256(result).hexdigest() == record.result_digest

    def test_a_void_record_stays_on_every_page_of_the_jury(
        self, empty_jury: Jury, manager_client: Client, client: Client
    ) -> None:
        first = found(empty_jury)
        published(first, Randomness("Dice", timezone.localdate() + timedelta(days=3)))
        page = reverse("draw", args=[first.public_id])
        assert "can be entered from" in manager_client.get(page).content.decode()
        void = reverse("record-void", args=[first.public_id, 1])
        manager_client.post(void, {"reason": "<b>Lost</b> dice"})
        second = found(empty_jury)
        published(second, Randomness("Lotto", timezone.localdate()))
        for draw in (first, second):
            text = client.get(reverse("draw", args=[draw.public_id])).content.decode()
            assert "&lt;b&gt;Lost&lt;/b&gt; dice" in text
            assert "Lotto" in text
        text = client.get(page).content.decode()
        assert "This record is void" in text

    def test_only_managers_take_the_steps(
        self, empty_jury: Jury, client: Client, colleague_client: Client, stranger_client: Client
    ) -> None:
        draw = found(empty_jury)
        publish = reverse("record-publish", args=[draw.public_id])
        told = {"source": "Lotto", "source_date": timezone.localdate().isoformat()}
        for outsider, status in ((client, 302), (stranger_client, 403), (colleague_client, 403)):
            assert outsider.post(publish, told).status_code == status
        assert not PublishedRecord.objects.exists()
        published(draw, Randomness("Lotto", timezone.localdate()))
        for name, data in (("record-draw", {"value": "1"}), ("record-void", {"reason": "x"})):
            path = reverse(name, args=[draw.public_id, 1])
            for outsider, status in ((client, 302), (stranger_client, 403)):
                assert outsider.post(path, data).status_code == status
        assert PublishedRecord.objects.get().state == "waiting"

    def test_a_candidate_reads_her_own_chance(self, empty_jury: Jury, client: Client) -> None:
        record = drawn(empty_jury)
        path = reverse("draw-chance", args=[record.draw.public_id])
        chance = record.draw.chances.filter(is_drawn=True)[0]
        chance.limit = "gender: woman."
        chance.save()
        text = client.get(path, {"code": f" {chance.candidate.public_id} "}).content.decode()
        for words in ("50.0% (1 in 2)", "average is 50.0%", "<p>gender: woman.</p>",
                      "You were drawn", "numbered panels"):  # fmt: skip
            assert words in text
        assert f"panel {record.panel_number} was drawn" in text
        # As a word: the letters may be inside a random token of the page.
        assert not re.search(rf"\b{chance.candidate.external_id}\b", text)
        other = record.draw.chances.filter(is_drawn=False)[0].candidate.public_id
        assert "You were not drawn" in client.get(path, {"code": str(other)}).content.decode()
        for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
            assert "No candidate" in client.get(path, {"code": wrong}).content.decode()
        assert "No candidate" not in client.get(path).content.decode()

    def test_the_chance_of_an_unpublished_draw_is_nobodys_business(
        self, empty_jury: Jury, client: Client, manager_client: Client
    ) -> None:
        path = reverse("draw-chance", args=[found(empty_jury).public_id])
        assert client.get(path).status_code == 404
        assert manager_client.get(path).status_code == 200

    def test_more_records_take_no_more_queries(
        self, empty_jury: Jury, client: Client, count_queries: Callable[[Client, str], int]
    ) -> None:
        draw = found(empty_jury)
        published(draw)
        page = reverse("draw", args=[draw.public_id])
        one = count_queries(client, page)
        for number in (1, 2):
            last = PublishedRecord.objects.get(number=number)
            ceremony.void_record(record=last, reason="Again.")
            published(draw)
        assert count_queries(client, page) == one

    def test_both_scripts_are_handed_out(self, client: Client, db: None) -> None:
        for name in ("verify_draw.py", "verify_seeded_draw.py"):
            answer = client.get(f"/draws/{name}")
            assert answer.status_code == 200
            assert b"".join(answer).startswith(b'"""Check a draw')
