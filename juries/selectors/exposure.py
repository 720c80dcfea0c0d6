"""Who sat on another jury not long ago, and therefore sits out this time."""

from datetime import datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from juries.models import CandidateContact, Jury, Seat


def sitting_out(*, jury: Jury, now: datetime | None = None) -> tuple[str, ...]:
    """Public ids, in order, of candidates who rest under the jury's `rest_months`.

    Those who accepted a seat on another jury since the first moment of the day `rest_months`
    calendar months ago: of this pool, or of another pool if both know her by the same e-mail
    address. The limit is a day, so that a draw asked for and drawn on one day reads the same.
    At most three queries; none without the rule.
    """
    if jury.rest_months is None:
        return ()
    since = first_moment(now=now or timezone.now(), months=jury.rest_months)
    served = Seat.objects.filter(state=Seat.State.ACCEPTED, changed_at__gte=since).exclude(
        jury=jury
    )
    known_by = (
        CandidateContact.objects.filter(candidate__jurors__seat__in=served)
        .exclude(email_key="")
        .exclude(pool=jury.pool_id)
        .values("email_key")
    )
    people = jury.pool.candidates.drawable().filter(
        Q(jurors__seat__in=served) | Q(contact__email_key__in=known_by)
    )
    return tuple(
        sorted({str(public_id) for public_id in people.values_list("public_id", flat=True)})
    )


def first_moment(*, now: datetime, months: int) -> datetime:
    """The first moment of the day `months` calendar months before `now`, in the current time zone.

    Where the month is too short for the day, its last day: three months before 31 May is 28 or 29
    February.
    """
    today = timezone.localtime(now).date()
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    first_of_next = (today.replace(year=year, month=month + 1, day=28) + timedelta(days=4)).replace(
        day=1
    )
    last = (first_of_next - timedelta(days=1)).day
    day = today.replace(year=year, month=month + 1, day=min(today.day, last))
    return timezone.make_aware(datetime.combine(day, time.min))
