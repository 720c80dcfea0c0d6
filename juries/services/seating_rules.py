"""Writing who must, or must not, sit on a jury."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from juries.models import Candidate, Jury, SeatingRule, User
from juries.selectors.seating_rules import as_code
from juries.services.audit import record_act
from juries.services.contacts import email_key

MOST_ENTRIES = 5000
"""How many people may be named at once."""

_MOST_TOLD = 20
_ASKED_AT_ONCE = 500

Item = TypeVar("Item")


class SeatingRulesRefused(Exception):
    """The rules can't be stored, and none was.

    Attributes:
        problems: one sentence each, naming who is meant.
        places: for each problem, the place of who is meant among those named, from 0; None where
            it is about all of them.
    """

    def __init__(self, problems: Sequence[str], *, places: Sequence[int | None] = ()) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)
        self.places = tuple(places) or (None,) * len(self.problems)


@dataclass(frozen=True)
class KeptRules:
    """What became of those named: new rules, and rules that stood already."""

    added: int
    standing: int


@transaction.atomic
def add_seating_rules(
    *,
    jury: Jury,
    people: Sequence[str],
    rule: str,
    reason: str = "",
    by_identity: bool = False,
    actor: User | None = None,
) -> KeptRules:
    """Say of people that they must, or must not, sit; all of them or none.

    Rules that contradict quotas or each other's number are kept, as quotas are while they are
    worked on; a draw is refused until they can be met. Whoever has the same rule already keeps it,
    with the new reason where one is given.

    Args:
        jury: whose rules.
        people: each a code (public id) or, with `by_identity`, an id of the pool or an e-mail
            address.
        rule: one of `SeatingRule.Rule`.
        reason: for those who manage juries.
        by_identity: the actor may see who the candidates are.
        actor: who says so.

    Raises:
        SeatingRulesRefused: nobody is named, somebody isn't known in the pool or can't be drawn, or
            somebody has the opposite rule.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    wanted = SeatingRule.Rule(rule)
    _refuse_number(people)
    known = _Known(jury=jury, people=people, by_identity=by_identity)
    standing = {row.candidate_id: row for row in jury.seating_rules.all()}
    problems: list[tuple[int, str]] = []
    chosen: dict[int, Candidate] = {}
    for place, text in enumerate(people):
        candidate = known.find(text)
        problem = _problem_of(text, candidate, standing, wanted, by_identity=by_identity)
        if problem:
            problems.append((place, problem))
        elif candidate is not None:
            chosen[candidate.pk] = candidate
    _refuse_any(problems)
    new = [candidate for pk, candidate in chosen.items() if pk not in standing]
    SeatingRule.objects.bulk_create(
        [
            SeatingRule(
                jury=jury, candidate=candidate, rule=wanted, reason=reason.strip(), created_by=actor
            )
            for candidate in new
        ],
        batch_size=_ASKED_AT_ONCE,
    )
    if reason.strip():
        same = [standing[pk].pk for pk in chosen if pk in standing]
        for part in _parts(same):
            SeatingRule.objects.filter(pk__in=part).update(reason=reason.strip())
    if new:
        record_act(
            actor=actor,
            verb="added seating rules",
            subject=jury,
            details={
                "rule": wanted.value,
                "candidates": sorted(str(candidate.public_id) for candidate in new),
            },
        )
    return KeptRules(added=len(new), standing=len(chosen) - len(new))


@transaction.atomic
def remove_seating_rules(*, jury: Jury, rules: Collection[int], actor: User | None = None) -> int:
    """Take rules (primary keys) off a jury; how many there were. Those of others are left alone."""
    Jury.objects.select_for_update().get(pk=jury.pk)
    told: dict[str, list[str]] = {}
    for part in _parts(sorted(rules)):
        rows = jury.seating_rules.filter(pk__in=part)
        for rule, public_id in rows.values_list("rule", "candidate__public_id"):
            told.setdefault(rule, []).append(str(public_id))
        rows.delete()
    for rule, candidates in sorted(told.items()):
        record_act(
            actor=actor,
            verb="took seating rules off",
            subject=jury,
            details={"rule": rule, "candidates": sorted(candidates)},
        )
    return sum(map(len, told.values()))


@transaction.atomic
def take_rules_off(*, jury: Jury, codes: Sequence[UUID], actor: User | None = None) -> int:
    """Take the rules about some people off a jury, all of them or none; how many there were.

    Args:
        jury: whose rules.
        codes: public ids of candidates; one named twice counts once.
        actor: who says so.

    Raises:
        SeatingRulesRefused: nobody or too many are named, or the jury has no rule about somebody.
    """
    Jury.objects.select_for_update().get(pk=jury.pk)
    _refuse_number(codes)
    standing: dict[UUID, int] = {}
    for part in _parts(sorted(set(codes))):
        rows = jury.seating_rules.filter(candidate__public_id__in=part)
        standing.update(rows.values_list("candidate__public_id", "pk"))
    _refuse_any(
        [
            (place, f"The jury has no rule about {str(code)!r}; leave that code out.")
            for place, code in enumerate(codes)
            if code not in standing
        ]
    )
    return remove_seating_rules(jury=jury, rules=standing.values(), actor=actor)


def _refuse_number(people: Sequence[object]) -> None:
    """Somebody is named, and not too many."""
    if not people:
        raise SeatingRulesRefused(["Name at least one person."])
    if len(people) > MOST_ENTRIES:
        raise SeatingRulesRefused(
            [f"{len(people):,} people are named; at most {MOST_ENTRIES:,} are taken at once."]
        )


def _refuse_any(problems: Sequence[tuple[int, str]]) -> None:
    """The first problems with their places, and how many more there are."""
    if not problems:
        return
    told = problems[:_MOST_TOLD]
    rest = len(problems) - len(told)
    further = [f"And {rest} more can't be taken."] if rest else []
    raise SeatingRulesRefused(
        [*(text for _, text in told), *further],
        places=[*(place for place, _ in told), *(None for _ in further)],
    )


class _Known:
    """The candidates of a pool who are meant by some texts."""

    def __init__(self, *, jury: Jury, people: Sequence[str], by_identity: bool) -> None:
        texts = sorted(set(people))
        named = texts if by_identity else []
        candidates = jury.pool.candidates.all()
        self._by_id: dict[str, Candidate] = {}
        self._by_code: dict[str, Candidate] = {}
        self._by_key: dict[str, Candidate] = {}
        for codes in _parts([code for text in texts if (code := as_code(text)) is not None]):
            for one in candidates.filter(public_id__in=codes):
                self._by_code[str(one.public_id)] = one
        for ids in _parts(named):
            for one in candidates.filter(external_id__in=ids):
                self._by_id[one.external_id] = one
        for keys in _parts([email_key(text) for text in named if "@" in text]):
            found = candidates.filter(contact__email_key__in=keys).select_related("contact")
            for one in found:
                self._by_key[one.contact.email_key] = one

    def find(self, text: str) -> Candidate | None:
        """An id of the pool comes before a code, and a code before an address."""
        code = as_code(text)
        return (
            self._by_id.get(text)
            or (self._by_code.get(str(code)) if code else None)
            or self._by_key.get(email_key(text))
        )


def _problem_of(
    text: str,
    candidate: Candidate | None,
    standing: Mapping[int, SeatingRule],
    wanted: SeatingRule.Rule,
    *,
    by_identity: bool,
) -> str:
    if candidate is None:
        if by_identity:
            return f"Nobody in the pool has the id, code or e-mail address {text!r}."
        return (
            f"Nobody in the pool has the code {text!r}. Your account may not see who the "
            "candidates are, so they are named by their codes."
        )
    if candidate.state == Candidate.State.WITHDRAWN:
        return f"{text!r} has withdrawn and is in no draw."
    if wanted is SeatingRule.Rule.MUST_SIT and candidate.state != Candidate.State.ACTIVE:
        return f"{text!r} can't be drawn yet: {candidate.get_state_display()}."
    rule = standing.get(candidate.pk)
    if rule is not None and rule.rule != wanted:
        return f"{text!r} has the rule “{rule.get_rule_display()}” already; take it off first."
    return ""


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Items in parts that fit into one query."""
    return [items[at : at + _ASKED_AT_ONCE] for at in range(0, len(items), _ASKED_AT_ONCE)]
