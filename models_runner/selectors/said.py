"""What jurors said beside ratings, as far as reward models learn from it."""

from collections.abc import Sequence

from django.db.models import Count, F, Max, Q

from annotations.models import Opinion, Preference, Study


def preferences_said(*, study: Study) -> list[tuple[int, int, int, str]]:
    """Current verdicts as (juror, left response, right response, verdict), checks left out.

    In the order in which they were said.
    """
    return list(
        Preference.objects.filter(
            query__study=study, is_current=True, query__check_kind="", left__query=F("query")
        )
        .order_by("id")
        .values_list("juror_id", "left_id", "right_id", "verdict")
    )


def preferences_fingerprint(*, study: Study) -> str:
    """Changes with every verdict that is said, changed or erased; cheap."""
    found = Preference.objects.filter(query__study=study).aggregate(
        number=Count("id"), newest=Max("id"), current=Count("id", filter=Q(is_current=True))
    )
    return f"{found['number']} {found['newest']} {found['current']}"


def opinions_said(*, study: Study, juror_ids: Sequence[int]) -> dict[tuple[int, int], str]:
    """What each of the jurors wrote on each query, by (juror, query); checks left out."""
    rows = Opinion.objects.filter(
        query__study=study, is_current=True, query__check_kind="", juror_id__in=juror_ids
    ).order_by("id")
    return {
        (juror, query): text
        for juror, query, text in rows.values_list("juror_id", "query_id", "text")
        if text.strip()
    }
