"""Studies: made, changed, opened and closed; and who may do what with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from annotations.models import Study, StudyRole
from annotations.selectors.checklist import Finding, opening_checklist
from annotations.selectors.shown import consents_given
from juries.models import User
from juries.services.audit import record_act

# Longer texts that jurors read: what they said before stands in the audit log.
TEXTS = ("consent_text", "instructions", "debrief")
# What the order of queries and the sides of pairs follow from.
FIXED_ONCE_JOINED = {"jury": "jury", "order_seed": "seed of the order"}


class StudyRefused(Exception):
    """The study can't be changed like that; the message says why and what to do.

    Attributes:
        field: the field that is wrong; empty where it is none.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotReady(StudyRefused):
    """The study can't be opened yet. `findings` says what is missing and where to mend it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(" ".join(finding.text for finding in findings))
        self.findings = tuple(findings)


@transaction.atomic
def create_study(*, study: Study, owner: User) -> Study:
    """Save a new study; whoever makes it owns it.

    Args:
        study: unsaved; a blank slug is made from the title.
        owner: who makes it.
    """
    study.slug = study.slug or free_slug(title=study.title)
    study.state = Study.State.DRAFT
    study.created_by = owner
    _follow_jury(study)
    study.save()
    StudyRole.objects.create(study=study, user=owner, role=StudyRole.Role.OWNER)
    record_act(actor=owner, verb="created the study", subject=study)
    return study


def free_slug(*, title: str) -> str:
    """A slug for a title that no study has yet."""
    stem = slugify(title)[:70].strip("-") or "study"
    taken = set(Study.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


@transaction.atomic
def change_study(*, study: Study, actor: User | None) -> Study:
    """Save a study's changed fields. Its state, counts and maker are left to other services.

    Raises:
        StudyRefused: jurors have agreed to the consent text under this version, or the jury or
            the seed changes after jurors have joined.
    """
    before = Study.objects.select_for_update().get(pk=study.pk)
    changed = [name for name in _EDITABLE if getattr(before, name) != getattr(study, name)]
    if not changed:
        return study
    if problems := problems_of_change(before=before, after=study):
        field, message = next(iter(problems.items()))
        raise StudyRefused(message, field=field)
    _follow_jury(study)
    fields = {*changed, "is_simulated"}
    study.save(update_fields=sorted(fields))
    details: dict[str, Any] = {"fields": [_LABELS.get(name, name) for name in changed]}
    texts = {name: getattr(before, name) for name in TEXTS if name in changed}
    if texts:
        details["before"] = texts
    if "consent_text" in changed or "consent_version" in changed:
        details["consent_version_before"] = before.consent_version
    record_act(actor=actor, verb="changed the study", subject=study, details=details)
    return study


def problems_of_change(*, before: Study, after: Study) -> dict[str, str]:
    """Why a change of a study can't be taken, by field; empty where it can."""
    problems: dict[str, str] = {}
    given = consents_given(before)
    if after.consent_text != before.consent_text and given[after.consent_version]:
        count = given[after.consent_version]
        people = "1 juror has" if count == 1 else f"{count} jurors have"
        problems["consent_version"] = (
            f"{people} agreed to version {after.consent_version} as it stood. Give the changed "
            "text a version that nobody has agreed to yet; jurors are then asked again."
        )
    if before.participations.exists():
        for name, label in FIXED_ONCE_JOINED.items():
            if getattr(before, name) != getattr(after, name):
                problems[name] = (
                    f"Jurors have joined, so the {label} can't change any more. "
                    "Make another study for another jury or order."
                )
    return problems


def _follow_jury(study: Study) -> None:
    """A study before a simulated jury is marked as simulated."""
    if study.jury is not None and study.jury.pool.is_simulated:
        study.is_simulated = True


_EDITABLE = (
    "title", "slug", "description", "jury", "consent_text", "consent_version", "instructions",
    "quiz_tries", "quiz_must_be_right", "debrief", "completion_code", "contact", "licence",
    "assignment_mode", "overlap", "queries_per_juror", "lease_minutes", "order_seed",
    "next_item",
    "is_simulated",
)  # fmt: skip
_LABELS = {name: name.replace("_", " ") for name in _EDITABLE}


# --- Open and closed --------------------------------------------------------------------------


@transaction.atomic
def open_study(*, study: Study, actor: User | None, now: datetime) -> Study:
    """Let jurors in. A closed study can be opened again.

    Raises:
        NotReady: something that jurors need is missing.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == Study.State.OPEN:
        return locked
    missing = [finding for finding in opening_checklist(study=locked) if finding.is_blocking]
    if missing:
        raise NotReady(missing)
    reopened = locked.state == Study.State.CLOSED
    locked.state = Study.State.OPEN
    locked.opened_at = locked.opened_at or now
    locked.closed_at = None
    locked.save(update_fields=["state", "opened_at", "closed_at"])
    record_act(
        actor=actor,
        verb="opened the study again" if reopened else "opened the study",
        subject=locked,
        details={"queries": locked.query_count, "consent_version": locked.consent_version},
    )
    return locked


@transaction.atomic
def close_study(*, study: Study, actor: User | None, now: datetime) -> Study:
    """Take no more work. What a juror still has on her screen is kept and marked as late.

    Raises:
        StudyRefused: the study was never opened.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if locked.state == Study.State.CLOSED:
        return locked
    if locked.state == Study.State.DRAFT:
        raise StudyRefused("The study is a draft; only an open study can be closed.")
    locked.state = Study.State.CLOSED
    locked.closed_at = now
    locked.save(update_fields=["state", "closed_at"])
    record_act(actor=actor, verb="closed the study", subject=locked)
    return locked


@transaction.atomic
def delete_study(*, study: Study, actor: User | None) -> None:
    """Remove a study that nobody has joined and that has no results or exports.

    Raises:
        StudyRefused: something that people said, or that was made of it, would be lost.
    """
    locked = Study.objects.select_for_update().get(pk=study.pk)
    if reason := why_study_stays(locked):
        raise StudyRefused(reason)
    record_act(actor=actor, verb="deleted the study", subject=locked)
    # Responses hold on to their sources, so they go first, with their queries.
    locked.queries.all().delete()
    locked.delete()


def why_study_stays(study: Study) -> str:
    """Why a study can't be removed; empty where it can."""
    joined = study.participations.count()
    if joined:
        jurors = "1 juror has" if joined == 1 else f"{joined} jurors have"
        return (
            f"{jurors} joined this study; what they said is never deleted with a click. "
            "Close the study instead. A juror's own link lets her withdraw what she said."
        )
    if study.exports.exists() or study.results_snapshots.exists():
        return "Results or exports were made of this study. Close it instead."
    return ""


# --- Roles ------------------------------------------------------------------------------------


@transaction.atomic
def grant_role(*, study: Study, user: User, role: str, actor: User | None) -> StudyRole:
    """Give a user a role on a study, in place of the one that she had.

    Raises:
        StudyRefused: the role is unknown, or the study would be left without an owner.
    """
    if role not in StudyRole.Role.values:
        raise StudyRefused(
            f"There is no role {role!r}; there are {', '.join(StudyRole.Role.values)}.",
            field="role",
        )
    Study.objects.select_for_update().get(pk=study.pk)
    if role != StudyRole.Role.OWNER:
        _keep_an_owner(study=study, without=user)
    granted, _ = StudyRole.objects.update_or_create(study=study, user=user, defaults={"role": role})
    record_act(
        actor=actor,
        verb="gave a role",
        subject=study,
        details={"user": user.get_username(), "role": role},
    )
    return granted


@transaction.atomic
def revoke_role(*, study: Study, user: User, actor: User | None) -> None:
    """Take a user's role on a study away.

    Raises:
        StudyRefused: the study would be left without an owner.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    _keep_an_owner(study=study, without=user)
    gone, _ = StudyRole.objects.filter(study=study, user=user).delete()
    if gone:
        record_act(
            actor=actor,
            verb="took a role away",
            subject=study,
            details={"user": user.get_username()},
        )


def _keep_an_owner(*, study: Study, without: User) -> None:
    owners = StudyRole.objects.filter(study=study, role=StudyRole.Role.OWNER)
    if owners.exists() and not owners.exclude(user=without).exists():
        raise StudyRefused(
            f"{without.get_username()} is the only owner. Make somebody else an owner first.",
            field="role",
        )
