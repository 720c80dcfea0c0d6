"""Juries: made and changed; what they are drawn by is fixed once somebody sits."""

from django.db import transaction

from juries.models import Jury, User
from juries.services.audit import record_act

FIXED_ONCE_SEATED = ("pool", "size", "household_limit", "rest_months")
"""What a draw went by, and so stays as it is while there are seats."""

_EDITABLE = (*FIXED_ONCE_SEATED, "name", "purpose", "kind")


class JuryRefused(Exception):
    """The jury can't be changed like that; the message says why and what to do.

    Attributes:
        field: the field that is wrong.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def create_jury(*, jury: Jury, actor: User | None) -> Jury:
    """Save a new jury, which nobody sits on."""
    jury.created_by = actor
    jury.save()
    record_act(
        actor=actor,
        verb="created the jury",
        subject=jury,
        details={"size": jury.size, "kind": jury.kind},
    )
    return jury


@transaction.atomic
def change_jury(*, jury: Jury, actor: User | None) -> Jury:
    """Save a jury's changed fields.

    Raises:
        JuryRefused: it has seats, and a draw would have gone by something else.
    """
    before = Jury.objects.select_for_update().get(pk=jury.pk)
    changed = [name for name in _EDITABLE if getattr(before, name) != getattr(jury, name)]
    if not changed:
        return jury
    fixed = [name for name in FIXED_ONCE_SEATED if name in changed]
    if fixed and (seats := before.seats.count()):
        label = str(Jury._meta.get_field(fixed[0]).verbose_name)  # type: ignore[union-attr] # no relation to many
        raise JuryRefused(
            f"The jury has {seats} seat{'s' if seats > 1 else ''} that were given out under its "
            f"{label} as it stands. Make another jury.",
            field=fixed[0],
        )
    jury.save(update_fields=changed)
    record_act(
        actor=actor,
        verb="changed the jury",
        subject=jury,
        details={"before": {name: _plain(getattr(before, name)) for name in changed}},
    )
    return jury


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)
