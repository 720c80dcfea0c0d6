"""Quotas, the draw as a Run, its record, and replacements."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPServerDisconnected

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from juries import tasks
from juries.models import (
    Candidate,
    CandidateContact,
    Draw,
    DrawChance,
    FeatureValue,
    Juror,
    Jury,
    Pool,
    Run,
    Seat,
    User,
)
from juries.selectors.draws import canonical_json
from juries.services import draws, invitations, mailing, quotas, replacements
from juries.services.quotas import QuotasRefused, WantedQuota
from juries.services.runs import perform_run, request_cancel, restart_run

VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "verify_seeded_draw.py"


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


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


def drawn(jury: Jury, seed: str = "seed 1") -> Draw:
    run = draws.request_draw(jury=jury, seed=seed)
    perform_run(run_id=run.pk, work=draws.perform_draw)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    return run.draw


class TestQuotas:
    def test_bad_ones_change_nothing(self, empty_jury: Jury) -> None:
        woman = value_id(empty_jury.pool, "gender", "woman")
        man = value_id(empty_jury.pool, "gender", "man")
        other = Pool.objects.create(name="Other", slug="other")
        foreign = FeatureValue.objects.create(
            feature=other.features.create(name="gender"), value="woman"
        )
        bad = [
            (WantedQuota((woman,), 3, 2), "minimum of 3 is above the maximum of 2"),
            (WantedQuota((woman, man), 0, 1), "nobody has two values"),
            (WantedQuota((foreign.pk,), 0, 1), "this pool doesn't have"),
            (WantedQuota((), 0, 1), "names no feature value"),
        ]
        for wanted, words in bad:
            with pytest.raises(QuotasRefused, match=words):
                quotas.set_quotas(jury=empty_jury, quotas=[wanted])
        twice = [WantedQuota((woman,), 0, 1)] * 2
        with pytest.raises(QuotasRefused, match="two quotas"):
            quotas.set_quotas(jury=empty_jury, quotas=twice)
        assert empty_jury.quotas.count() == 3

    def test_are_proposed_from_the_population(self, empty_jury: Jury) -> None:
        proposed = quotas.quotas_from_population(jury=empty_jury, tolerance=1)
        assert {(quota.minimum, quota.maximum) for quota in proposed} == {(1, 3)}
        assert len(proposed) == 4

    def test_no_proposal_without_shares(self, empty_jury: Jury) -> None:
        FeatureValue.objects.update(population_share=None)
        with pytest.raises(QuotasRefused, match="population shares"):
            quotas.quotas_from_population(jury=empty_jury)


class TestQuotasPage:
    def test_saves_typed_bounds(self, staff_client: Client, empty_jury: Jury) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        woman = value_id(empty_jury.pool, "gender", "woman")
        old = value_id(empty_jury.pool, "age", "40 and over")
        page = staff_client.get(path).content.decode()
        assert f'name="min-{woman}" value="2"' in page
        answer = staff_client.post(
            path,
            {f"min-{woman}": "1", "new-value": [str(woman), str(old)], "min-new": "1",
             "max-new": "2", "action": "save"},
        )  # fmt: skip
        assert answer.status_code == 302
        rows = {row.key: (row.minimum, row.maximum) for row in empty_jury.quotas.all()}
        both = ",".join(map(str, sorted((woman, old))))
        assert rows == {str(woman): (1, 4), both: (1, 2)}
        page = staff_client.get(path).content.decode()
        assert "gender: woman and age: 40 and over" in page
        answer = staff_client.post(path, {f"min-{woman}": "1", "drop-0": "on"})
        assert [row.key for row in empty_jury.quotas.all()] == [str(woman)]

    def test_names_feature_and_numbers_while_typing(
        self, staff_client: Client, empty_jury: Jury
    ) -> None:
        path = reverse("admin:juries_jury_quotas_check", args=[empty_jury.pk])
        woman = value_id(empty_jury.pool, "gender", "woman")
        man = value_id(empty_jury.pool, "gender", "man")
        answer = staff_client.post(path, {f"min-{woman}": "3", f"min-{man}": "2"})
        page = answer.content.decode()
        assert "<html" not in page
        assert "The minima of gender add up to 3 + 2 = 5" in page
        assert empty_jury.quotas.get(key=str(woman)).minimum == 2

    @pytest.mark.parametrize("typed", ["x", "-1", "1.5", "²"])
    def test_what_is_no_number_is_refused(
        self, staff_client: Client, empty_jury: Jury, typed: str
    ) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        woman = value_id(empty_jury.pool, "gender", "woman")
        answer = staff_client.post(path, {f"min-{woman}": typed})
        assert answer.status_code == 400
        assert "is not a whole number" in answer.content.decode()
        assert empty_jury.quotas.count() == 3

    def test_takes_the_bounds_of_a_file(self, staff_client: Client, empty_jury: Jury) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        good = SimpleUploadedFile("c.csv", b"category,name,min,max\ngender,woman,1,3\n")
        assert staff_client.post(path, {"action": "file", "categories": good}).status_code == 302
        assert [(row.minimum, row.maximum) for row in empty_jury.quotas.all()] == [(1, 3)]
        bad = SimpleUploadedFile("c.csv", b"category,name,min,max\ngender,cat,1,3\n")
        answer = staff_client.post(path, {"action": "file", "categories": bad})
        assert answer.status_code == 400
        assert "row 2: The pool has no gender: cat" in answer.content.decode()
        assert staff_client.post(path, {"action": "file"}).status_code == 400
        assert empty_jury.quotas.count() == 1

    def test_proposal_is_shown_and_not_saved(self, staff_client: Client, empty_jury: Jury) -> None:
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        page = staff_client.post(path, {"action": "propose"}).content.decode()
        young = value_id(empty_jury.pool, "age", "under 40")
        assert f'name="min-{young}" value="2"' in page
        assert empty_jury.quotas.count() == 3


class TestDraw:
    def test_seats_a_panel_under_the_quotas(self, empty_jury: Jury) -> None:
        draw = drawn(empty_jury)
        seats = list(empty_jury.seats.order_by("number"))
        assert [seat.number for seat in seats] == [1, 2, 3, 4]
        assert all(seat.state == Seat.State.DRAWN and seat.draw == draw for seat in seats)
        ids = [str(seat.juror.candidate.public_id) for seat in seats]
        assert ids == sorted(ids) == draw.record["drawn"]["candidates"]
        women = sum(
            seat.juror.candidate.traits.filter(feature_value__value="woman").exists()
            for seat in seats
        )
        assert women == 2
        assert draw.chances.count() == 8
        assert sum(draw.chances.values_list("probability", flat=True)) == pytest.approx(4)
        assert draw.chances.filter(is_drawn=True).count() == 4
        assert draw.lower_bound == pytest.approx(0.5)

    def test_the_same_seed_gives_the_same_record(self, empty_jury: Jury) -> None:
        first, second = drawn(empty_jury, "a"), drawn(empty_jury, "a")
        other = drawn(empty_jury, "b")
        assert first.record_digest == second.record_digest
        assert first.record_digest != other.record_digest
        assert Juror.objects.count() == 4

    def test_the_digest_is_that_of_the_stored_record(self, empty_jury: Jury) -> None:
        stored = Draw.objects.get(pk=drawn(empty_jury).pk)
        assert hashlib.sha256(canonical_json(stored.record)).hexdigest() == stored.record_digest

    def test_the_record_names_nobody(self, empty_jury: Jury) -> None:
        text = canonical_json(drawn(empty_jury).record).decode()
        assert "p0" not in text.replace("p0x", "")
        assert all(
            str(public_id) in text
            for public_id in Candidate.objects.values_list("public_id", flat=True)
        )

    def test_sums_that_fail_are_refused_at_once(self, empty_jury: Jury) -> None:
        woman = value_id(empty_jury.pool, "gender", "woman")
        quotas.set_quotas(jury=empty_jury, quotas=[WantedQuota((woman,), 5, 5)])
        with pytest.raises(draws.DrawRefused, match="gender: woman needs at least 5"):
            draws.request_draw(jury=empty_jury)

    def test_infeasible_quotas_fail_with_the_way_out(self, pool: Pool) -> None:
        jury = Jury.objects.create(pool=pool, name="Impossible", size=4)
        woman, man = value_id(pool, "gender", "woman"), value_id(pool, "gender", "man")
        old, young = value_id(pool, "age", "40 and over"), value_id(pool, "age", "under 40")
        quotas.set_quotas(
            jury=jury,
            quotas=[
                WantedQuota((woman,), 3, 4),
                WantedQuota((woman, old), 0, 0),
                WantedQuota((man, young), 0, 0),
                WantedQuota((young,), 0, 1),
            ],
        )
        run = draws.request_draw(jury=jury)
        perform_run(run_id=run.pk, work=draws.perform_draw)
        run.refresh_from_db()
        assert run.state == Run.State.FAILED
        assert "No panel of 4 meets the quotas" in run.error
        assert "hold: gender: woman at least 3" in run.error
        assert "Any one of these changes would be enough" in run.error
        assert not jury.seats.exists()

    def test_what_changed_meanwhile_stops_it(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury)
        Candidate.objects.filter(external_id="p7").update(state=Candidate.State.WITHDRAWN)
        perform_run(run_id=run.pk, work=draws.perform_draw)
        run.refresh_from_db()
        assert run.state == Run.State.FAILED
        assert "have changed since" in run.error

    def test_cancelled_while_waiting(self, empty_jury: Jury) -> None:
        run = draws.request_draw(jury=empty_jury)
        request_cancel(run=run)
        perform_run(run_id=run.pk, work=draws.perform_draw)
        assert not Draw.objects.exists()

    def test_one_draw_at_a_time(self, empty_jury: Jury) -> None:
        draws.request_draw(jury=empty_jury)
        with pytest.raises(draws.DrawRefused, match="is queued"):
            draws.request_draw(jury=empty_jury)

    def test_not_again_once_a_seat_was_invited(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        seat = empty_jury.seats.get(number=3)
        invitations.invite(seats=[seat], expires_in=timedelta(days=1), now=timezone.now())
        with pytest.raises(draws.DrawRefused, match="seat 3 has been invited"):
            draws.request_draw(jury=empty_jury)

    def test_not_again_once_published(self, empty_jury: Jury) -> None:
        draws.publish_draw(draw=drawn(empty_jury))
        with pytest.raises(draws.DrawRefused, match="has been published"):
            draws.request_draw(jury=empty_jury)

    def test_the_seed_zero_is_a_seed(self, empty_jury: Jury) -> None:
        assert drawn(empty_jury, "0").seed == "0"

    def test_without_a_seed_one_is_made(self, empty_jury: Jury) -> None:
        assert len(draws.request_draw(jury=empty_jury).seed) == 32

    def test_unknown_method(self, empty_jury: Jury) -> None:
        with pytest.raises(draws.DrawRefused, match="maximin"):
            draws.request_draw(jury=empty_jury, method="best")


class TestVerifier:
    def run(self, path: Path, digest: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(VERIFIER), str(path), digest],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_accepts_the_record_and_finds_a_forged_one(
        self, empty_jury: Jury, tmp_path: Path, staff_client: Client
    ) -> None:
        draw = drawn(empty_jury)
        content = staff_client.get(reverse("draw-record", args=[draw.public_id])).content
        path = tmp_path / "record.json"
        path.write_bytes(content)
        assert self.run(path, draw.record_digest).returncode == 0
        forged = json.loads(content)
        forged["drawn"]["panel"] = (forged["drawn"]["panel"] + 1) % len(forged["panels"])
        path.write_text(json.dumps(forged))
        answer = self.run(path, draw.record_digest)
        assert answer.returncode == 1
        assert "not the published one" in answer.stdout
        assert "The seed draws panel" in answer.stdout

    def test_accepts_the_record_of_replacements(self, empty_jury: Jury, tmp_path: Path) -> None:
        drawn(empty_jury)
        invitations.decline_seat(seat=empty_jury.seats.get(number=4))
        run = replacements.request_replacement(jury=empty_jury, seed="r")
        perform_run(run_id=run.pk, work=replacements.perform_replacement)
        draw = Draw.objects.get(purpose=Draw.Purpose.REPLACEMENT)
        path = tmp_path / "record.json"
        path.write_bytes(canonical_json(draw.record))
        assert self.run(path, draw.record_digest).stdout.startswith("The record is sound")


class TestDrawPage:
    def test_hidden_until_it_is_published(
        self, empty_jury: Jury, client: Client, stranger_client: Client, colleague_client: Client,
        manager_client: Client,
    ) -> None:  # fmt: skip
        draw = drawn(empty_jury)
        paths = [reverse(name, args=[draw.public_id]) for name in ("draw", "draw-record")]
        for path in paths:
            for outsider in (client, stranger_client, colleague_client):
                assert outsider.get(path).status_code == 404
            assert manager_client.get(path).status_code == 200
        publish = reverse("draw-publish", args=[draw.public_id])
        assert colleague_client.post(publish).status_code == 403
        assert client.post(publish).status_code == 302
        draw.refresh_from_db()
        assert draw.published_at is None
        manager_client.post(publish)
        for path in paths:
            assert client.get(path).status_code == 200

    def test_shows_everything_but_who(self, empty_jury: Jury, client: Client) -> None:
        draw = drawn(empty_jury)
        draws.publish_draw(draw=draw)
        page = client.get(reverse("draw", args=[draw.public_id])).content.decode()
        for words in (draw.record_digest, "seed 1", "8 candidates", "gender", "50.0000%"):
            assert words.lower() in page.lower()
        for external_id in Candidate.objects.values_list("external_id", flat=True):
            assert f">{external_id}<" not in page
        assert "style=" not in page
        assert "Not published" not in page

    def test_tells_a_candidate_her_chance(self, empty_jury: Jury, client: Client) -> None:
        draw = drawn(empty_jury)
        draws.publish_draw(draw=draw)
        path = reverse("draw-chance", args=[draw.public_id])
        code = DrawChance.objects.filter(is_drawn=True)[0].candidate.public_id
        page = client.get(path, {"code": str(code)}).content.decode()
        assert "50.0% (1 in 2)" in page
        assert "You were drawn" in page
        assert "No candidate" in client.get(path, {"code": "x"}).content.decode()

    def test_draw_page_asks_for_a_run(self, empty_jury: Jury, staff_client: Client) -> None:
        path = reverse("admin:juries_jury_draw", args=[empty_jury.pk])
        asked = {"action": "draw", "method": "maximin", "mode": "seed", "seed": "s"}
        answer = staff_client.post(path, {**asked, "time_limit": "60"})
        run = Run.objects.get()
        assert answer["Location"] == reverse("run", args=[run.public_id])
        assert run.parameters["time_limit"] == 60
        for wrong in ({"method": "other"}, {"mode": "other"}, {"mode": "record"}):
            answer = staff_client.post(path, {**asked, "time_limit": "60", **wrong})
            assert answer.status_code == 200
        assert Run.objects.count() == 1


class TestReplacement:
    def replaced(self, jury: Jury, seed: str = "r") -> Run:
        run = replacements.request_replacement(jury=jury, seed=seed)
        perform_run(run_id=run.pk, work=replacements.perform_replacement)
        run.refresh_from_db()
        return run

    def test_fills_vacant_seats_under_the_quotas(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        gone = empty_jury.seats.get(number=2)
        gender = gone.juror.candidate.traits.get(feature__name="gender").feature_value
        invitations.decline_seat(seat=gone)
        run = self.replaced(empty_jury)
        assert run.state == Run.State.SUCCEEDED, run.error
        gone.refresh_from_db()
        new = gone.replaced_by
        assert (gone.state, new.number, new.state) == (Seat.State.REPLACED, 2, Seat.State.DRAWN)
        assert new.juror.candidate.traits.get(feature__name="gender").feature_value == gender
        assert new.juror.candidate != gone.juror.candidate
        draw = new.draw
        assert draw is not None
        assert (draw.purpose, draw.size) == (Draw.Purpose.REPLACEMENT, 1)
        assert not draw.chances.filter(candidate=gone.juror.candidate).exists()
        assert sum(draw.chances.values_list("probability", flat=True)) == pytest.approx(1)

    def test_the_draw_page_shows_the_whole_jury(
        self, empty_jury: Jury, staff_client: Client
    ) -> None:
        drawn(empty_jury)
        invitations.decline_seat(seat=empty_jury.seats.get(number=2))
        run = self.replaced(empty_jury)
        page = staff_client.get(run.page_path).content.decode()
        assert "quota--out" not in page
        assert "1 replacement drawn by lot" in page

    def test_nothing_vacant(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        with pytest.raises(replacements.ReplacementRefused, match="No seat is vacant"):
            replacements.request_replacement(jury=empty_jury)

    def test_nobody_left_who_fits(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        gone = empty_jury.seats.get(number=1)
        gender = gone.juror.candidate.traits.get(feature__name="gender").feature_value
        invitations.decline_seat(seat=gone)
        seated = empty_jury.seats.values_list("juror__candidate", flat=True)
        Candidate.objects.exclude(pk__in=list(seated)).filter(traits__feature_value=gender).update(
            state=Candidate.State.WITHDRAWN
        )
        run = self.replaced(empty_jury)
        assert run.state == Run.State.FAILED
        assert gender.value in run.error
        gone.refresh_from_db()
        assert gone.state == Seat.State.DECLINED

    def test_a_seat_given_up_meanwhile_stops_it(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        invitations.decline_seat(seat=empty_jury.seats.get(number=1))
        run = replacements.request_replacement(jury=empty_jury)
        invitations.decline_seat(seat=empty_jury.seats.get(number=2))
        perform_run(run_id=run.pk, work=replacements.perform_replacement)
        run.refresh_from_db()
        assert "have changed since" in run.error


class TestSeatsPage:
    def test_shows_links_once(self, empty_jury: Jury, staff_client: Client) -> None:
        drawn(empty_jury)
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        seat = empty_jury.seats.get(number=1)
        answer = staff_client.post(path, {"seats": [seat.pk], "action": "show", "days": "7"})
        assert "/j/" in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert "/j/" not in staff_client.get(path).content.decode()
        seat.refresh_from_db()
        assert seat.state == Seat.State.INVITED

    def test_downloads_links(self, empty_jury: Jury, staff_client: Client) -> None:
        drawn(empty_jury)
        candidate = empty_jury.seats.get(number=1).juror.candidate
        Candidate.objects.filter(pk=candidate.pk).update(external_id="=1+1")
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        seats = list(empty_jury.seats.values_list("pk", flat=True))
        text = staff_client.post(path, {"seats": seats, "action": "download"}).content.decode()
        lines = text.splitlines()
        assert len(lines) == 5
        assert lines[1].startswith("1,'=1+1,")
        token = lines[2].split("/j/")[1].split("/")[0]
        opened = invitations.open_invitation(token=token, now=timezone.now())
        assert opened.number == 2

    def test_identity_is_for_those_who_may_see_it(
        self, empty_jury: Jury, manager_client: Client
    ) -> None:
        drawn(empty_jury)
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        person = empty_jury.seats.get(number=1).juror.candidate.external_id
        seats = list(empty_jury.seats.values_list("pk", flat=True))
        data = {"seats": seats, "action": "download"}
        assert f">{person}" in manager_client.get(path).content.decode()
        assert f"1,{person}," in manager_client.post(path, data).content.decode()
        User.objects.get(username="manager").user_permissions.remove(
            Permission.objects.get(codename="view_candidatecontact")
        )
        assert f">{person}" not in manager_client.get(path).content.decode()
        text = manager_client.post(path, data).content.decode()
        assert text.splitlines()[1].startswith("1,,,,http")

    def test_another_jurys_seat_is_refused(
        self, empty_jury: Jury, jury: Jury, staff_client: Client
    ) -> None:
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        foreign = jury.seats.get(number=1)
        staff_client.post(path, {"seats": [foreign.pk], "action": "withdraw", "confirm": "on"})
        foreign.refresh_from_db()
        assert foreign.state == Seat.State.ACCEPTED

    def test_decline_then_replace(self, empty_jury: Jury, staff_client: Client) -> None:
        drawn(empty_jury)
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        seat = empty_jury.seats.get(number=1)
        staff_client.post(path, {"seats": [seat.pk], "action": "decline"})
        answer = staff_client.post(path, {"action": "replace", "seed": "z"})
        run = Run.objects.get(kind=replacements.KIND)
        assert answer["Location"] == reverse("run", args=[run.public_id])
        assert run.seed == "z"

    def test_erasing_asks_twice(self, empty_jury: Jury, staff_client: Client) -> None:
        drawn(empty_jury)
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        seat = empty_jury.seats.get(number=1)
        data = {"seats": [seat.pk], "action": "withdraw"}
        assert "undone: tick" in staff_client.post(path, data).content.decode()
        seat.refresh_from_db()
        assert seat.state == Seat.State.DRAWN
        staff_client.post(path, {**data, "confirm": "on"})
        seat.refresh_from_db()
        assert seat.state == Seat.State.WITHDRAWN

    def test_mail_needs_a_server(self, empty_jury: Jury, staff_client: Client) -> None:
        drawn(empty_jury)
        path = reverse("admin:juries_jury_seats", args=[empty_jury.pk])
        seat = empty_jury.seats.get(number=1)
        answer = staff_client.post(path, {"seats": [seat.pk], "action": "mail"}, follow=True)
        assert "VENIRE_EMAIL_HOST" in answer.content.decode()


ROOMS = ("quotas", "draw", "seats")


@pytest.mark.parametrize("room", ROOMS)
def test_doors_of_a_jurys_rooms(
    room: str, empty_jury: Jury, client: Client, stranger_client: Client,
    colleague_client: Client, manager_client: Client,
) -> None:  # fmt: skip
    path = reverse(f"admin:juries_jury_{room}", args=[empty_jury.pk])
    assert client.get(path).status_code == 302
    assert stranger_client.get(path).status_code == 302
    assert colleague_client.get(path).status_code == 403
    assert colleague_client.post(path, {"action": "save"}).status_code == 403
    assert manager_client.get(path).status_code == 200
    assert manager_client.get(path.replace(str(empty_jury.pk), "999999")).status_code == 404


def test_seats_page_takes_as_many_queries_for_three_as_for_one(
    pool: Pool, staff_client: Client, count_queries: Callable[[Client, str], int], researcher: User
) -> None:
    jury = Jury.objects.create(pool=pool, name="J", size=3)
    path = reverse("admin:juries_jury_seats", args=[jury.pk])

    def seat(number: int) -> None:
        juror = Juror.objects.create(
            jury=jury, candidate=pool.candidates.get(external_id=f"p{number}")
        )
        made = Seat.objects.create(jury=jury, juror=juror, number=number)
        invitations.invite(seats=[made], expires_in=timedelta(days=1), now=timezone.now())

    seat(1)
    staff_client.get(path)
    one = count_queries(staff_client, path)
    seat(2)
    seat(3)
    assert count_queries(staff_client, path) == one


def test_jury_and_draw_lists_take_as_many_queries_for_three_as_for_one(
    pool: Pool, staff_client: Client, count_queries: Callable[[Client, str], int]
) -> None:
    path = reverse("admin:juries_jury_changelist")
    Jury.objects.create(pool=pool, name="1", size=2)
    staff_client.get(path)
    one = count_queries(staff_client, path)
    for number in (2, 3):
        Jury.objects.create(pool=pool, name=str(number), size=2)
    assert count_queries(staff_client, path) == one
    draw_path = reverse("admin:juries_jury_draw", args=[Jury.objects.all()[0].pk])
    jury = Jury.objects.all()[0]
    drawn(jury, "1")
    one = count_queries(staff_client, draw_path)
    drawn(jury, "2")
    drawn(jury, "3")
    assert count_queries(staff_client, draw_path) == one


class TestMailing:
    @pytest.fixture(autouse=True)
    def with_mail(self, settings: LazySettings) -> None:
        settings.MAIL_CONFIGURED = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    def mailed(self, jury: Jury) -> Run:
        run = mailing.request_mailing(
            jury=jury, seats=list(jury.seats.all()), expires_in=timedelta(days=7)
        )
        perform_run(run_id=run.pk, work=mailing.perform_mailing)
        run.refresh_from_db()
        return run

    def give_address(self, seat: Seat) -> None:
        person = seat.juror.candidate
        address = f"{person.external_id}@example.org"
        CandidateContact.objects.create(
            candidate=person, pool=person.pool, email=address, email_key=address
        )

    def test_sends_each_her_own_link(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        for seat in empty_jury.seats.filter(number__lte=3):
            self.give_address(seat)
        run = self.mailed(empty_jury)
        assert run.result == {"sent": 3, "without_address": 1}
        assert len(mail.outbox) == 3
        for message in mail.outbox:
            token = str(message.body).split("/j/")[1].split("/")[0]
            seat = invitations.open_invitation(token=token, now=timezone.now())
            assert seat.juror.candidate.contact.email == message.to[0]
            assert token not in run.log + str(run.parameters) + str(run.result)

    def test_what_failed_is_sent_when_started_again(
        self, empty_jury: Jury, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn(empty_jury)
        for seat in empty_jury.seats.all():
            self.give_address(seat)
        send = EmailMessage.send
        broken = empty_jury.seats.get(number=2).juror.candidate.contact.email

        def send_but_one(message: EmailMessage, *args: object) -> int:
            if message.to == [broken]:
                raise SMTPServerDisconnected("gone")
            return send(message)

        with monkeypatch.context() as patch:
            patch.setattr(EmailMessage, "send", send_but_one)
            run = self.mailed(empty_jury)
        assert run.state == Run.State.FAILED
        assert "1 of 4 mails could not be sent" in run.error
        assert "seat 2" in run.log
        perform_run(run_id=restart_run(run=run).pk, work=mailing.perform_mailing)
        run.refresh_from_db()
        assert run.result["sent"] == 1
        assert sorted(message.to[0] for message in mail.outbox) == sorted(
            CandidateContact.objects.values_list("email", flat=True)
        )

    def test_nobody_has_an_address(self, empty_jury: Jury) -> None:
        drawn(empty_jury)
        with pytest.raises(mailing.MailingRefused, match="Nobody on these seats"):
            mailing.request_mailing(
                jury=empty_jury, seats=list(empty_jury.seats.all()), expires_in=timedelta(days=1)
            )
