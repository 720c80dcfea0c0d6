"""Who must, or must not, sit: kept, drawn by, explained, published, and edited by a coordinator."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from juries import tasks
from juries.domain.dropout import DropoutRates
from juries.models import (
    AuditEntry,
    Candidate,
    CandidateContact,
    Draw,
    FeatureValue,
    Jury,
    ObjectiveComparison,
    Pool,
    PublishedRecord,
    Run,
    Seat,
    SeatingRule,
    User,
)
from juries.selectors.alternates import alternates_of, ready_alternates
from juries.selectors.draws import canonical_json, digest_of, draw_inputs, quotas_as_json
from juries.selectors.quotas import check_of_quotas, quotas_of
from juries.selectors.records import Randomness, changes_since
from juries.selectors.vacancies import outlook_of, vacancies_of
from juries.services import (
    alternates,
    ceremony,
    comparisons,
    draws,
    invitations,
    quotas,
    replacements,
)
from juries.services.alternates import Wanted
from juries.services.ceremony import CeremonyRefused
from juries.services.contacts import email_key
from juries.services.draws import DrawRefused
from juries.services.quotas import WantedQuota
from juries.services.replacements import ReplacementRefused
from juries.services.runs import perform_run
from juries.services.seating_rules import (
    KeptRules,
    SeatingRulesRefused,
    add_seating_rules,
    remove_seating_rules,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
DAY = date(2026, 12, 5)
DICE = Randomness("Ten dice", DAY, "as rolled")
MUST, MUST_NOT = SeatingRule.Rule.MUST_SIT, SeatingRule.Rule.MUST_NOT_SIT


@pytest.fixture(autouse=True)
def do_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)


@pytest.fixture
def empty_jury(pool: Pool) -> Jury:
    """Four seats, two of them for women, at least one person over 40; nobody sits."""
    jury = Jury.objects.create(pool=pool, name="Panel", size=4)
    wanted = [
        WantedQuota((value_id(pool, "woman"),), 2, 2),
        WantedQuota((value_id(pool, "40 and over"),), 1, 3),
    ]
    quotas.set_quotas(jury=jury, quotas=wanted)
    return jury


def value_id(pool: Pool, value: str) -> int:
    return FeatureValue.objects.get(feature__pool=pool, value=value).pk


def code(external_id: str) -> str:
    return str(Candidate.objects.get(external_id=external_id).public_id)


def rules(jury: Jury, rule: str, *people: str, reason: str = "") -> KeptRules:
    return add_seating_rules(jury=jury, people=people, rule=rule, reason=reason, by_identity=True)


def drawn(jury: Jury, seed: str = "s") -> Draw:
    run = done(draws.request_draw(jury=jury, seed=seed), draws.perform_draw)
    assert run.state == Run.State.SUCCEEDED, run.error
    return run.draw


def done(run: Run, work: Callable[..., object]) -> Run:
    perform_run(run_id=run.pk, work=work)  # type: ignore[arg-type]  # any service
    run.refresh_from_db()
    return run


def with_address(candidate: Candidate, email: str) -> Candidate:
    key = email_key(email)
    CandidateContact.objects.create(
        candidate=candidate, pool=candidate.pool, name="Ada", email=email, email_key=key
    )
    return candidate


def accepts_elsewhere(candidate: Candidate) -> None:
    other = Jury.objects.create(pool=candidate.pool, name="Other", size=1)
    juror = other.jurors.create(candidate=candidate)
    other.seats.create(juror=juror, number=1, state=Seat.State.ACCEPTED)


class TestRules:
    def test_by_id_code_and_address(self, empty_jury: Jury) -> None:
        with_address(Candidate.objects.get(external_id="p2"), "Ada@Example.org")
        kept = rules(empty_jury, MUST, "p0", code("p1").upper(), " ada@example.ORG ", "p0")
        assert kept == KeptRules(added=3, standing=0)
        assert set(empty_jury.seating_rules.values_list("candidate__external_id", "rule")) == {
            ("p0", "must_sit"), ("p1", "must_sit"), ("p2", "must_sit"),
        }  # fmt: skip

    def test_codes_alone_for_those_who_may_not_see_identities(self, empty_jury: Jury) -> None:
        with_address(Candidate.objects.get(external_id="p2"), "ada@example.org")
        for text in ("p0", "ada@example.org"):
            with pytest.raises(SeatingRulesRefused, match="named by their codes"):
                add_seating_rules(jury=empty_jury, people=[text], rule=MUST)
        add_seating_rules(jury=empty_jury, people=[code("p0")], rule=MUST)
        assert empty_jury.seating_rules.count() == 1

    @pytest.mark.parametrize(
        ("rule", "text", "words"),
        [
            (MUST, "nobody", "Nobody in the pool has the id, code or e-mail address 'nobody'"),
            (MUST, "p4", "'p4' has withdrawn"),
            (MUST_NOT, "p4", "'p4' has withdrawn"),
            (MUST, "p5", "'p5' can't be drawn yet: waiting for e-mail confirmation"),
            (MUST, "p6", "'p6' has the rule “must not sit” already; take it off first"),
            (MUST, "elsewhere", "Nobody in the pool"),
        ],
    )
    def test_all_or_none(self, empty_jury: Jury, rule: str, text: str, words: str) -> None:
        Candidate.objects.filter(external_id="p4").update(state=Candidate.State.WITHDRAWN)
        Candidate.objects.filter(external_id="p5").update(state=Candidate.State.UNCONFIRMED)
        other = Pool.objects.create(name="Other", slug="other")
        other.candidates.create(external_id="elsewhere")
        rules(empty_jury, MUST_NOT, "p6")
        with pytest.raises(SeatingRulesRefused) as refusal:
            rules(empty_jury, rule, "p0", text)
        [problem] = refusal.value.problems
        assert words in problem
        assert empty_jury.seating_rules.count() == 1

    def test_too_many_errors_are_counted(self, empty_jury: Jury) -> None:
        with pytest.raises(SeatingRulesRefused) as refusal:
            rules(empty_jury, MUST, *(f"x{number}" for number in range(25)))
        assert len(refusal.value.problems) == 21
        assert refusal.value.problems[-1] == "And 5 more can't be taken."
        with pytest.raises(SeatingRulesRefused, match="at least one"):
            rules(empty_jury, MUST)
        with pytest.raises(SeatingRulesRefused, match="at most 5,000"):
            rules(empty_jury, MUST, *["p0"] * 5001)

    def test_once_for_each_person(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST, "p0", reason="The chair")
        assert rules(empty_jury, MUST, "p0", "p1") == KeptRules(added=1, standing=1)
        assert empty_jury.seating_rules.get(candidate__external_id="p0").reason == "The chair"
        rules(empty_jury, MUST, "p0", reason="A chair")
        row = empty_jury.seating_rules.get(candidate__external_id="p0")
        assert row.reason == "A chair"
        with pytest.raises(IntegrityError), transaction.atomic():
            SeatingRule.objects.create(jury=empty_jury, candidate=row.candidate, rule=MUST_NOT)
        with pytest.raises(IntegrityError), transaction.atomic():
            SeatingRule.objects.filter(pk=row.pk).update(rule="may_sit")

    def test_are_taken_off_and_noted_without_the_reason(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST, "p0", reason="The chair")
        other = Jury.objects.create(pool=empty_jury.pool, name="Other", size=2)
        rules(other, MUST, "p0")
        every = list(SeatingRule.objects.values_list("pk", flat=True))
        assert remove_seating_rules(jury=empty_jury, rules=every) == 1
        assert SeatingRule.objects.get().jury == other
        assert remove_seating_rules(jury=empty_jury, rules=[]) == 0
        acts = AuditEntry.objects.filter(subject_id=str(empty_jury.public_id))
        told = {act.verb: act.details for act in acts.filter(verb__contains="rules")}
        expected = {"rule": "must_sit", "candidates": [code("p0")]}
        assert told == {"added seating rules": expected, "took seating rules off": expected}

    def test_whoever_withdraws_loses_the_reason(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST_NOT, "p0", reason="Works for the mayor")
        candidate = Candidate.objects.get(external_id="p0")
        invitations.withdraw_candidate(candidate=candidate, erase_said=False)
        assert empty_jury.seating_rules.get().reason == ""


class TestInputs:
    def test_the_digest_of_a_jury_without_rules_is_what_it_was(self, empty_jury: Jury) -> None:
        inputs = draw_inputs(jury=empty_jury)
        as_before = digest_of(
            {
                "pool": inputs.pool_digest,
                "quotas": quotas_as_json(inputs.quotas),
                "size": 4,
                "household_limit": None,
                "must_not_sit": [],
            }
        )
        assert inputs.digest == as_before
        seen = {as_before}
        for rule, who in ((MUST, "p0"), (MUST_NOT, "p1"), (MUST, "p2")):
            rules(empty_jury, rule, who)
            seen.add(draw_inputs(jury=empty_jury).digest)
        assert len(seen) == 4
        empty_jury.seating_rules.all().delete()
        assert draw_inputs(jury=empty_jury).digest == as_before

    def test_a_rule_on_somebody_who_rests_is_another_input(self, empty_jury: Jury) -> None:
        Jury.objects.filter(pk=empty_jury.pk).update(rest_months=6)
        empty_jury.refresh_from_db()
        accepts_elsewhere(Candidate.objects.get(external_id="p0"))
        before = draw_inputs(jury=empty_jury)
        rules(empty_jury, MUST_NOT, "p0", "p1")
        after = draw_inputs(jury=empty_jury)
        assert before.must_not_sit == (code("p0"),)
        assert after.must_not_sit == tuple(sorted((code("p0"), code("p1"))))
        assert after.barred == after.must_not_sit

    def test_must_not_sit_asks_nothing_of_those_who_left(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST_NOT, "p0")
        before = draw_inputs(jury=Jury.objects.get(pk=empty_jury.pk))
        Candidate.objects.filter(external_id="p0").update(state=Candidate.State.WITHDRAWN)
        inputs = draw_inputs(jury=empty_jury)
        assert (inputs.must_not_sit, inputs.problems) == ((), ())
        assert before.must_not_sit == (code("p0"),)
        drawn(empty_jury)

    def test_whoever_must_sit_and_withdrew_stops_the_draw(
        self, empty_jury: Jury, staff_client: Client
    ) -> None:
        rules(empty_jury, MUST, "p0")
        who = code("p0")
        run = draws.request_draw(jury=empty_jury, seed="s")
        candidate = Candidate.objects.get(external_id="p0")
        invitations.withdraw_candidate(candidate=candidate, erase_said=False)
        assert "have changed since" in done(run, draws.perform_draw).error
        words = f"Candidate {who} must sit and has withdrawn; take the rule off on the tab"
        with pytest.raises(DrawRefused, match=words):
            draws.request_draw(jury=empty_jury, seed="s")
        with pytest.raises(comparisons.ComparisonRefused, match=words):
            comparisons.request_comparison(jury=empty_jury)
        for room in ("draw", "quotas", "rules"):
            path = reverse(f"admin:juries_jury_{room}", args=[empty_jury.pk])
            assert words in staff_client.get(path).content.decode(), room
        remove_seating_rules(
            jury=empty_jury, rules=empty_jury.seating_rules.values_list("pk", flat=True)
        )
        drawn(empty_jury)

    def test_whoever_must_sit_and_rests_stops_the_draw(self, empty_jury: Jury) -> None:
        Jury.objects.filter(pk=empty_jury.pk).update(rest_months=6)
        empty_jury.refresh_from_db()
        rules(empty_jury, MUST, "p0")
        accepts_elsewhere(Candidate.objects.get(external_id="p0"))
        with pytest.raises(DrawRefused, match=r"rests after another jury.*6 month.*“Details”"):
            draws.request_draw(jury=empty_jury, seed="s")

    def test_a_jury_that_moved_to_another_pool(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST, "p0")
        rules(empty_jury, MUST_NOT, "p1")
        empty_jury.pool = Pool.objects.create(name="Other", slug="other")
        [problem] = draw_inputs(jury=empty_jury).problems
        assert "is not in the pool of this jury" in problem.message


class TestDraw:
    @pytest.mark.parametrize("method", ["leximin", "maximin", "nash", "goldilocks", "minimax"])
    def test_honours_the_rules(self, empty_jury: Jury, method: str, tmp_path: Path) -> None:
        rules(empty_jury, MUST, "p0")
        rules(empty_jury, MUST_NOT, "p1", "p2")
        run = draws.request_draw(jury=empty_jury, seed="s", method=method)
        assert done(run, draws.perform_draw).state == Run.State.SUCCEEDED, run.error
        draw = run.draw
        chances = dict(draw.chances.values_list("candidate__external_id", "probability"))
        assert (chances["p0"], chances["p1"], chances["p2"]) == (1, 0, 0)
        assert sum(chances.values()) == pytest.approx(4)
        limits = dict(draw.chances.values_list("candidate__external_id", "limit"))
        assert limits["p0"] == "On the list of those who must sit."
        assert limits["p1"] == "On the list of those who can't sit."
        assert draw.chances.get(candidate__external_id="p0").is_drawn
        assert draw.record["must_sit"] == [code("p0")]
        assert draw.record["must_not_sit"] == sorted((code("p1"), code("p2")))
        sound = self.verified(draw.record, tmp_path)
        assert sound.startswith("The record is sound")
        draw.record["must_sit"].append(code("p4"))
        assert "stands under must_sit" in self.verified(draw.record, tmp_path)
        draw.record["must_sit"].pop()
        draw.record["must_not_sit"].append(code("p0"))
        assert "stands under must_not_sit" in self.verified(draw.record, tmp_path)

    def verified(self, record: dict[str, object], folder: Path) -> str:
        path = folder / "record.json"
        path.write_bytes(canonical_json(record))
        return subprocess.run(
            [sys.executable, "-S", str(DOCS / "verify_seeded_draw.py"), str(path)],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    def test_a_record_without_rules_names_none(self, empty_jury: Jury) -> None:
        draw = drawn(empty_jury)
        assert "must_sit" not in draw.record
        assert draw.record["must_not_sit"] == []

    def test_every_seat_may_be_settled(self, empty_jury: Jury, client: Client) -> None:
        rules(empty_jury, MUST, "p0", "p1", "p2", "p3")
        draw = drawn(empty_jury)
        assert set(empty_jury.jurors.values_list("candidate__external_id", flat=True)) == {
            "p0", "p1", "p2", "p3",
        }  # fmt: skip
        draws.publish_draw(draw=draw)
        page = client.get(reverse("draw", args=[draw.public_id])).content.decode()
        assert "4 of 8 candidates are on every panel" in page
        assert "4 of 8 candidates fit into no panel" in page

    def test_the_public_page_tells_who_was_settled(self, empty_jury: Jury, client: Client) -> None:
        rules(empty_jury, MUST, "p0", reason="Secretly the chair")
        rules(empty_jury, MUST_NOT, "p1")
        draw = drawn(empty_jury)
        draws.publish_draw(draw=draw)
        page = client.get(reverse("draw", args=[draw.public_id])).content.decode()
        assert "1 of 8 candidates is on every panel, which was settled beforehand." in page
        assert "1 of 8 candidates had to sit out, which was settled beforehand." in page
        assert "Everybody else had a chance between 33.3% and 66.7%" in page
        assert "Secretly" not in page
        own = reverse("draw-chance", args=[draw.public_id])
        page = client.get(own, {"code": code("p0")}).content.decode()
        assert "On the list of those who must sit." in page

    def test_objectives_are_compared_under_the_rules(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST, "p0")
        rules(empty_jury, MUST_NOT, "p1")
        run = done(comparisons.request_comparison(jury=empty_jury), comparisons.perform_comparison)
        assert run.state == Run.State.SUCCEEDED, run.error
        for method in ObjectiveComparison.objects.get().content["methods"]:
            assert method["chances"][0] == 0, method["method"]
            assert method["chances"][-1] == 1, method["method"]


class TestImpossible:
    def test_sums_name_the_quota(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST, "p0", "p2", "p4")
        words = "gender: woman admits at most 2 and 3 of those who must sit have it"
        with pytest.raises(DrawRefused, match=words):
            draws.request_draw(jury=empty_jury, seed="s")

    def test_more_than_there_are_seats(self, empty_jury: Jury) -> None:
        quotas.set_quotas(jury=empty_jury, quotas=[])
        rules(empty_jury, MUST, *(f"p{number}" for number in range(5)))
        with pytest.raises(DrawRefused, match="5 candidates must sit on a panel of 4"):
            draws.request_draw(jury=empty_jury, seed="s")

    def test_too_few_are_left(self, empty_jury: Jury) -> None:
        rules(empty_jury, MUST_NOT, "p0", "p2", "p4")
        with pytest.raises(DrawRefused, match="gender: woman"):
            draws.request_draw(jury=empty_jury, seed="s")

    def test_the_check_blames_them_and_finds_a_way_out(
        self, empty_jury: Jury, staff_client: Client
    ) -> None:
        """Two women over 40 must sit, and at most one person over 40 may, in a jury of four."""
        woman, old = value_id(empty_jury.pool, "woman"), value_id(empty_jury.pool, "40 and over")
        wanted = [WantedQuota((woman,), 2, 2), WantedQuota((old,), 1, 1)]
        quotas.set_quotas(jury=empty_jury, quotas=wanted)
        rules(empty_jury, MUST, "p2", "p6")
        check = check_of_quotas(jury=empty_jury, quotas=quotas_of(jury=empty_jury))
        assert check.is_impossible
        assert check.explanation is not None
        assert "2 who must sit" in check.explanation.in_words
        assert "age: 40 and over maximum 1 -> 2" in check.explanation.in_words
        for room in ("quotas", "rules", "draw"):
            path = reverse(f"admin:juries_jury_{room}", args=[empty_jury.pk])
            page = staff_client.get(path).content.decode()
            assert "2 of those who must sit have it" in page, room
            assert "2 of the 4 seats go to people who must sit." in page, room

    def test_the_check_without_quotas_tells_of_them(
        self, empty_jury: Jury, staff_client: Client
    ) -> None:
        quotas.set_quotas(jury=empty_jury, quotas=[])
        rules(empty_jury, MUST, "p0")
        rules(empty_jury, MUST_NOT, "p1")
        path = reverse("admin:juries_jury_quotas", args=[empty_jury.pk])
        page = " ".join(staff_client.get(path).content.decode().split())
        assert "everybody who doesn’t sit out has the same chance, but for those who must" in page
        assert "1 of the 4 seats goes to somebody who must sit; 1 of 8 candidates must not" in page


def published(jury: Jury) -> PublishedRecord:
    run = draws.request_draw(jury=jury, mode=Draw.Mode.RECORD)
    assert done(run, draws.perform_draw).state == Run.State.SUCCEEDED, run.error
    return ceremony.publish_record(draw=run.draw, randomness=DICE, today=DAY)


class TestRecord:
    def test_tells_by_code_who_must_sit_and_is_verified(
        self, empty_jury: Jury, tmp_path: Path
    ) -> None:
        rules(empty_jury, MUST, "p0", reason="Secretly the chair")
        rules(empty_jury, MUST_NOT, "p1")
        record = published(empty_jury)
        content = json.loads(record.content)
        assert content["must_sit"] == [code("p0")]
        assert content["must_not_sit"] == [code("p1")]
        places = {who: content["candidates"].index(code(who)) for who in ("p0", "p1")}
        assert content["chances"][places["p0"]] == 1000
        assert content["exact_chances"][places["p0"]] == "1.000000000"
        assert content["chances"][places["p1"]] == 0
        assert "Secretly" not in record.content
        record = ceremony.enter_value(record=record, value="1 2 3", today=DAY)
        assert code("p0") in json.loads(record.result)["members"]
        path = tmp_path / "record.json"
        path.write_text(record.content)
        answer = self.verified(path, record.digest, "1 2 3")
        assert answer.splitlines()[0] == "The record is sound."
        for rule, who, panels in (("must_sit", "p2", 1000), ("must_not_sit", "p0", 0)):
            forged = canonical_json({**content, rule: [code(who)]})
            path.write_bytes(forged)
            answer = self.verified(path, digest_of(json.loads(forged)), "1 2 3")
            assert f"{code(who)} stands under {rule} and is not on {panels} panels." in answer

    def verified(self, *arguments: str | Path) -> str:
        return subprocess.run(
            [sys.executable, "-S", str(DOCS / "verify_draw.py"), *map(str, arguments)],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    def test_one_without_rules_has_no_new_key(self, empty_jury: Jury) -> None:
        assert "must_sit" not in json.loads(published(empty_jury).content)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ("p0 off", "1 candidate had to sit, and the seating rule is gone."),
            ("p1 off", "The seating rules on who must not sit have changed."),
            ("p2 must", "1 candidate must sit by a new seating rule."),
            ("p2 not", "1 candidate must not sit by a new seating rule."),
        ],
    )
    def test_a_rule_that_changes_makes_it_void(
        self, empty_jury: Jury, staff_client: Client, change: str, words: str
    ) -> None:
        rules(empty_jury, MUST, "p0")
        rules(empty_jury, MUST_NOT, "p1")
        record = published(empty_jury)
        assert changes_since(draw=record.draw, inputs=draw_inputs(jury=empty_jury)) == []
        path = reverse("admin:juries_jury_rules", args=[empty_jury.pk])
        assert "Record 1 of this jury is published" in staff_client.get(path).content.decode()
        who, what = change.split()
        if what == "off":
            empty_jury.seating_rules.filter(candidate__external_id=who).delete()
        else:
            rules(empty_jury, MUST if what == "must" else MUST_NOT, who)
        assert changes_since(draw=record.draw, inputs=draw_inputs(jury=empty_jury)) == [words]
        with pytest.raises(CeremonyRefused, match="void"):
            ceremony.enter_value(record=record, value="1 2 3", today=DAY)
        assert not empty_jury.seats.exists()


@pytest.fixture
def drawn_jury(empty_jury: Jury) -> Jury:
    """Drawn with p0 and p1, who must sit; p2 must not. Each person has a twin in the pool."""
    pool = empty_jury.pool
    for person in list(pool.candidates.all()):
        twin = pool.candidates.create(external_id=f"{person.external_id}-twin")
        for trait in person.traits.all():
            twin.traits.create(feature=trait.feature, feature_value=trait.feature_value)
    rules(empty_jury, MUST, "p0", "p1")
    rules(empty_jury, MUST_NOT, "p2")
    drawn(empty_jury)
    return empty_jury


def seat_of(jury: Jury, external_id: str) -> Seat:
    return jury.seats.get(juror__candidate__external_id=external_id)


def replaced(jury: Jury) -> Draw:
    run = done(
        replacements.request_replacement(jury=jury, seed="r"), replacements.perform_replacement
    )
    assert run.state == Run.State.SUCCEEDED, run.error
    return run.draw


class TestVacantSeats:
    def test_whoever_must_not_sit_is_no_replacement(self, drawn_jury: Jury) -> None:
        seated = set(drawn_jury.jurors.values_list("candidate_id", flat=True))
        others = drawn_jury.pool.candidates.exclude(pk__in=seated).exclude(external_id="p2")
        kept = others.filter(traits__feature_value__value="woman").order_by("id")[0]
        barred = others.exclude(pk=kept.pk)
        rules(drawn_jury, MUST_NOT, *barred.values_list("external_id", flat=True))
        invitations.decline_seat(seat=seat_of(drawn_jury, "p0"))
        draw = replaced(drawn_jury)
        new = draw.chances.get(is_drawn=True)
        assert (new.candidate, new.probability) == (kept, 1.0)
        # p0 gave her seat up: the rule that she must sit has done its part.
        assert "must_sit" not in draw.record
        assert code("p0") in draw.record["gone"]

    def test_whoever_must_sit_by_a_new_rule_has_the_next_seat(
        self, drawn_jury: Jury, staff_client: Client
    ) -> None:
        left = drawn_jury.pool.candidates.exclude(jurors__jury=drawn_jury)
        women = left.filter(traits__feature_value__value="woman").exclude(external_id="p2")
        wanted = women.order_by("id")[0]
        rules(drawn_jury, MUST, wanted.external_id)
        invitations.decline_seat(seat=seat_of(drawn_jury, "p0"))
        vacancies = vacancies_of(jury=drawn_jury)
        assert vacancies.must_sit == (str(wanted.public_id),)
        outlook = outlook_of(vacancies=vacancies)
        assert outlook is not None
        assert outlook.must_sit == 1
        path = reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        page = staff_client.get(path).content.decode()
        assert "1 goes to somebody who must sit by a" in page
        draw = replaced(drawn_jury)
        assert draw.chances.get(candidate=wanted).probability == 1.0
        assert draw.record["must_sit"] == [str(wanted.public_id)]
        draws.publish_draw(draw=draw)
        page = staff_client.get(reverse("draw", args=[draw.public_id])).content.decode()
        assert "on every panel, which was settled beforehand" in page

    def test_a_rule_that_cannot_hold_stops_them(self, drawn_jury: Jury) -> None:
        left = drawn_jury.pool.candidates.exclude(jurors__jury=drawn_jury)
        wanted = left.exclude(external_id="p2").order_by("id")[0]
        rules(drawn_jury, MUST, wanted.external_id)
        Candidate.objects.filter(pk=wanted.pk).update(state=Candidate.State.WITHDRAWN)
        # A juror who must sit and withdrew has had her seat; that stops nothing.
        invitations.withdraw_candidate(
            candidate=Candidate.objects.get(external_id="p0"), erase_said=False
        )
        vacancies = vacancies_of(jury=drawn_jury)
        assert [problem.candidate for problem in vacancies.problems] == [str(wanted.public_id)]
        outlook = outlook_of(vacancies=vacancies)
        assert outlook is not None
        assert "has withdrawn" in outlook.problem
        with pytest.raises(ReplacementRefused, match="has withdrawn; take the rule off"):
            replacements.request_replacement(jury=drawn_jury)
        drawn_jury.seating_rules.filter(candidate=wanted).delete()
        replaced(drawn_jury)

    def test_whoever_must_not_sit_is_no_alternate(
        self, drawn_jury: Jury, staff_client: Client
    ) -> None:
        wanted = Wanted(rates=DropoutRates(0.2, {}), level=0.8)
        run = alternates.request_alternates(jury=drawn_jury, wanted=wanted, number=4, seed="a")
        assert done(run, alternates.perform_alternates).state == Run.State.SUCCEEDED, run.error
        draw = Draw.objects.get(purpose=Draw.Purpose.ALTERNATES)
        assert not draw.chances.filter(candidate__external_id="p2").exists()
        ready = ready_alternates(jury=drawn_jury)
        barred = Candidate.objects.get(public_id=ready[0])
        rules(drawn_jury, MUST_NOT, barred.external_id)
        assert ready_alternates(jury=drawn_jury) == ready[1:]
        found = alternates_of(jury=drawn_jury)
        assert found is not None
        assert sorted(row.state for row in found.people) == ["barred", "ready", "ready", "ready"]
        path = reverse("admin:juries_jury_seats", args=[drawn_jury.pk])
        assert "must not sit</span>" in staff_client.get(path).content.decode()


class TestPage:
    @pytest.fixture
    def path(self, empty_jury: Jury) -> str:
        return reverse("admin:juries_jury_rules", args=[empty_jury.pk])

    def test_a_pasted_list_becomes_rules(
        self, staff_client: Client, empty_jury: Jury, path: str
    ) -> None:
        page = staff_client.get(path).content.decode()
        assert "None: everybody who can be drawn takes part" in page
        typed = {"people": "p1\r\n\r\n p3 \r\n", "rule": "must_not_sit", "reason": "Staff",
                 "action": "add"}  # fmt: skip
        answer = staff_client.post(path, typed, follow=True)
        assert answer.redirect_chain == [(path, 302)]
        page = answer.content.decode()
        assert "2 rules are added." in page
        assert "2 of 8 candidates must not sit." in page
        assert page.count("<td>Staff</td>") == 2
        row = empty_jury.seating_rules.get(candidate__external_id="p1")
        assert row.created_by == User.objects.get(username="researcher")
        answer = staff_client.post(path, {**typed, "people": "p1\np4"}, follow=True)
        assert "1 rule is added. 1 stood already." in answer.content.decode()
        ticked = {"action": "remove", "rules": [str(row.pk), "x", "²"]}
        answer = staff_client.post(path, ticked, follow=True)
        assert "1 rule is taken off." in answer.content.decode()
        assert not empty_jury.seating_rules.filter(pk=row.pk).exists()
        answer = staff_client.post(path, {"action": "remove"}, follow=True)
        assert "Tick the rules" in answer.content.decode()

    def test_what_cannot_be_kept_stays_typed(
        self, staff_client: Client, empty_jury: Jury, path: str
    ) -> None:
        typed = {"people": "p1\nnobody", "rule": "must_sit", "reason": "Because", "action": "add"}
        answer = staff_client.post(path, typed)
        page = answer.content.decode()
        assert answer.status_code == 400
        assert "Nobody in the pool has the id, code or e-mail address &#x27;nobody&#x27;." in page
        assert "p1\nnobody</textarea>" in page
        assert 'value="Because"' in page
        for missing in ({"people": ""}, {"rule": ""}, {"rule": "may_sit"}):
            answer = staff_client.post(path, {**typed, **missing})
            assert answer.status_code == 400
        assert not empty_jury.seating_rules.exists()

    def test_somebody_is_looked_up_and_ticked(
        self, staff_client: Client, empty_jury: Jury, path: str
    ) -> None:
        person = with_address(Candidate.objects.get(external_id="p5"), "ada@example.org")
        typed = {"people": "p1", "rule": "must_sit", "reason": "", "action": "find"}
        for text in ("ada@", "Ada", "p5", str(person.public_id)):
            page = staff_client.post(path, {**typed, "find": text}).content.decode()
            assert f'name="found" value="{person.public_id}" checked' in page, text
            assert "p1</textarea>" in page
        assert not empty_jury.seating_rules.exists()
        page = staff_client.post(path, {**typed, "find": "p"}).content.decode()
        assert page.count('name="found"') == 8
        page = staff_client.post(path, {**typed, "find": "zz"}).content.decode()
        assert "fits “zz”" in page
        # Whoever was ticked stays named when somebody else is looked up.
        again = {**typed, "find": "p6", "found": str(person.public_id)}
        page = staff_client.post(path, again).content.decode()
        assert "p1\np5</textarea>" in page
        assert "say whom to look for" in staff_client.post(path, typed).content.decode()
        typed = {**typed, "action": "add", "found": str(person.public_id)}
        assert staff_client.post(path, typed).status_code == 302
        assert empty_jury.seating_rules.count() == 2

    def test_identities_are_for_those_who_may_see_them(self, empty_jury: Jury, path: str) -> None:
        with_address(Candidate.objects.get(external_id="p5"), "ada@example.org")
        rules(empty_jury, MUST, "p5")
        coordinator = User.objects.create_user("co", password="a-long-password", is_staff=True)
        coordinator.user_permissions.set(Permission.objects.filter(codename="change_jury"))
        client = Client()
        client.force_login(coordinator)
        page = client.get(path).content.decode()
        assert code("p5") in page
        assert "Look up" not in page
        typed = {"people": "p1", "rule": "must_sit", "action": "add"}
        answer = client.post(path, typed)
        assert answer.status_code == 400
        assert "named by their codes" in answer.content.decode()
        page += client.post(path, {**typed, "action": "find", "find": "p"}).content.decode()
        for hidden in ("ada@example.org", 'name="found"'):
            assert hidden not in page, hidden
        # As a word: the letters may be inside a form's random token.
        assert not re.search(r"\bp5\b", page.replace(code("p5"), ""))
        assert client.post(path, {**typed, "people": code("p1")}).status_code == 302

    def test_only_for_those_who_manage_juries(
        self,
        client: Client,
        stranger_client: Client,
        colleague_client: Client,
        empty_jury: Jury,
        path: str,
    ) -> None:
        typed = {"people": "p1", "rule": "must_sit", "action": "add"}
        for refused in (client, stranger_client, colleague_client):
            assert refused.get(path).status_code in (302, 403)
            assert refused.post(path, typed).status_code in (302, 403)
        assert not empty_jury.seating_rules.exists()

    def test_says_what_a_rule_means_once_people_sit(
        self, staff_client: Client, empty_jury: Jury, path: str
    ) -> None:
        drawn(empty_jury)
        assert "A rule unseats nobody" in staff_client.get(path).content.decode()

    def test_no_more_queries_for_more_rules(
        self,
        staff_client: Client,
        empty_jury: Jury,
        path: str,
        count_queries: Callable[[Client, str], int],
    ) -> None:
        rules(empty_jury, MUST, "p0")
        rooms = [
            reverse(f"admin:juries_jury_{room}", args=[empty_jury.pk])
            for room in ("rules", "quotas", "draw")
        ]
        few = [count_queries(staff_client, room) for room in rooms]
        rules(empty_jury, MUST_NOT, "p1", "p2", "p3")
        assert [count_queries(staff_client, room) for room in rooms] == few

    def test_many_rules_come_in_pages(
        self, staff_client: Client, empty_jury: Jury, path: str
    ) -> None:
        people = [f"q{number}" for number in range(101)]
        Candidate.objects.bulk_create(
            Candidate(pool=empty_jury.pool, external_id=external_id) for external_id in people
        )
        rules(empty_jury, MUST_NOT, *people)
        assert "Page 1 of 2" in staff_client.get(path).content.decode()
        assert staff_client.get(path, {"page": 2}).content.decode().count('name="rules"') == 1
