"""What is wrong with a study that is under way, each with the place where to mend it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.urls import reverse

from annotations.domain.quality import SelfAgreement
from annotations.models import Assignment, Participation, Study, Submission
from annotations.selectors.checklist import Finding, opening_checklist
from annotations.selectors.juror_sheets import QUALITY_UP_TO, Signs, signs_of
from annotations.selectors.quiz import quiz_outcomes
from annotations.selectors.results import results_page
from annotations.selectors.studies import FrontPage
from annotations.selectors.ways_in import problems_of
from juries.models import Invitation, Run, Seat, WorkerHeartbeat

WORKER_SILENT_AFTER = timedelta(seconds=30)
_ACTIVE = (Run.State.QUEUED, Run.State.RUNNING)


def troubles(*, study: Study, front: FrontPage, now: datetime) -> tuple[Finding, ...]:
    """What a researcher should look at, what stops the work first."""
    found = [
        *_about_runs(study, now),
        *_about_opening(study),
        *_about_seats(study, front),
        *_about_ways_in(study),
        *_about_invitations(study, now),
        *_about_work(study, now),
        *_about_quality(study),
        *_about_quiz(study),
        *_about_results(study),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.is_blocking))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _about_runs(study: Study, now: datetime) -> Iterator[Finding]:
    runs = Run.objects.filter(parameters__study=study.pk).defer("log", "result")
    waiting = runs.filter(state__in=_ACTIVE).first()
    if waiting is not None:
        answering = WorkerHeartbeat.objects.filter(seen_at__gte=now - WORKER_SILENT_AFTER)
        if not answering.exists():
            yield Finding(
                "worker",
                f"“{waiting.title}” waits, and no worker has answered for 30 seconds. "
                "Start one with: celery --app venire worker",
                is_blocking=True,
                url=reverse("run", args=[waiting.public_id]),
                action="See the run",
            )
    seen: set[str] = set()
    for run in runs.order_by("-created_at", "-id")[:20]:
        if run.kind not in seen and run.state == Run.State.FAILED:
            yield Finding(
                "run",
                f"“{run.title}” failed: {run.error}",
                is_blocking=False,
                url=reverse("run", args=[run.public_id]),
                action="See the run",
            )
        seen.add(run.kind)


def _about_opening(study: Study) -> Iterator[Finding]:
    """A draft shows what it still lacks; an open study only what stops jurors."""
    if study.state == Study.State.CLOSED:
        return
    for finding in opening_checklist(study=study):
        if finding.is_blocking or study.state == Study.State.DRAFT:
            yield finding


def _about_seats(study: Study, front: FrontPage) -> Iterator[Finding]:
    if study.jury is None:
        return
    at_seats = reverse("admin:juries_jury_seats", args=[study.jury.pk])
    vacant = Seat.objects.filter(jury=study.jury, state__in=Seat.VACANT).count()
    if vacant and not front.is_open:
        yield Finding(
            "vacant",
            f"{_count(vacant, 'seat is', 'seats are')} vacant: declined or withdrawn, "
            "and not filled again.",
            is_blocking=False,
            url=at_seats,
            action="Draw replacements",
        )
    short = [
        f"{group.stratum.feature} {group.stratum.value} has {group.stratum.sitting} of "
        f"{group.stratum.minimum} to {group.stratum.maximum}"
        for _, groups in front.groups
        for group in groups
        if group.is_short
    ]
    if short:
        yield Finding(
            "quotas",
            f"The bench does not keep its quotas: {'; '.join(short)}.",
            is_blocking=False,
            url=at_seats,
            action="See the seats",
        )


def _about_ways_in(study: Study) -> Iterator[Finding]:
    at_ways = reverse("study-ways-in", args=[study.public_id])
    ways = list(study.ways_in.select_related("study__jury__pool"))
    for way in ways:
        if way.is_open and (problems := problems_of(way=way)):
            yield Finding(
                "way-in",
                f"“{way.name}” is open, but lets nobody in: {problems[0]}",
                is_blocking=True,
                url=at_ways,
                action="See the ways in",
            )
    if study.state == Study.State.OPEN and ways and not any(way.is_open for way in ways):
        yield Finding(
            "ways-closed",
            "The study is open, but none of its ways in is: nobody new can come.",
            is_blocking=False,
            url=at_ways,
            action="See the ways in",
        )


def _about_invitations(study: Study, now: datetime) -> Iterator[Finding]:
    if study.jury is None or study.state == Study.State.DRAFT:
        return
    at_seats = reverse("admin:juries_jury_seats", args=[study.jury.pk])
    drawn = Seat.objects.filter(jury=study.jury, state=Seat.State.DRAWN).count()
    if drawn and study.state == Study.State.OPEN:
        yield Finding(
            "uninvited",
            f"{_count(drawn, 'juror has', 'jurors have')} not been invited.",
            is_blocking=False,
            url=at_seats,
            action="Invite them",
        )
    links = Invitation.objects.filter(seat=OuterRef("pk"), revoked_at__isnull=True)
    invited = Seat.objects.filter(jury=study.jury, state=Seat.State.INVITED)
    unopened = invited.filter(
        Exists(links.filter(first_opened_at__isnull=True, expires_at__gt=now))
    ).count()
    if unopened:
        yield Finding(
            "unopened",
            f"{_count(unopened, 'juror has', 'jurors have')} not opened the link yet.",
            is_blocking=False,
            url=at_seats,
            action="See the invitations",
        )
    expired = (
        Seat.objects.filter(
            Exists(links),
            ~Exists(links.filter(expires_at__gt=now)),
            ~Exists(
                Participation.objects.filter(
                    study=study,
                    juror=OuterRef("juror"),
                    state=Participation.State.FINISHED,
                )
            ),
            jury=study.jury,
            state__in=(Seat.State.INVITED, Seat.State.ACCEPTED),
        )
    ).count()
    if expired and study.state == Study.State.OPEN:
        yield Finding(
            "expired",
            f"The link of {_count(expired, 'juror', 'jurors')} who has work left has expired.",
            is_blocking=False,
            url=at_seats,
            action="Send new links",
        )


def _about_work(study: Study, now: datetime) -> Iterator[Finding]:
    at_jurors = reverse("study-jurors", args=[study.public_id])
    lapsed = Assignment.objects.filter(
        participation__study=study, state=Assignment.State.CLAIMED, lease_expires_at__lt=now
    ).count()
    if lapsed:
        yield Finding(
            "leases",
            f"{_count(lapsed, 'query is', 'queries are')} held by jurors whose time for "
            f"{'it' if lapsed == 1 else 'them'} has run out. Others can have the place; "
            "an answer that still comes is kept and marked as late.",
            is_blocking=False,
            url=at_jurors,
            action="See who",
        )
    late = Submission.objects.filter(participation__study=study, is_late=True).count()
    if late:
        yield Finding(
            "late",
            f"{_count(late, 'answer', 'answers')} came after the time for it had run out or the "
            "study had closed; kept and marked as late.",
            is_blocking=False,
            url=at_jurors,
            action="See who",
        )


def _about_quality(study: Study) -> Iterator[Finding]:
    done = Assignment.objects.filter(
        participation__study=study, state=Assignment.State.COMPLETED
    ).count()
    if not done or done > QUALITY_UP_TO:
        return
    jurors = list(study.participations.values_list("juror_id", flat=True))
    signs = list(signs_of(study=study, juror_ids=jurors).values())
    at_reports = reverse("study-jurors", args=[study.public_id]) + "?signs=1"
    flagged = sum(own.is_flagged_by_pace for own in signs)
    if flagged:
        yield Finding(
            "quality",
            f"{_count(flagged, 'juror was', 'jurors were')} very fast or gave the same "
            "answer on and on. That is a report, not a verdict: look, and decide.",
            is_blocking=False,
            url=at_reports,
            action="See the reports",
        )
    yield from _about_checks(study, signs, at_reports)


def _about_checks(study: Study, signs: Sequence[Signs], at_reports: str) -> Iterator[Finding]:
    """What came of instructed and repeated queries and of the quiz, in numbers."""
    met = [own.instructed for own in signs if own.instructed is not None]
    missed = sum(len(own.missed) for own in met)
    if missed:
        who = sum(bool(own.missed) for own in met)
        yield Finding(
            "instructed",
            f"{_count(who, 'juror', 'jurors')} of {len(met)} missed {missed} of the "
            f"{sum(own.answered for own in met)} answers that a query told them to give. "
            "A report, not a verdict: look, and decide.",
            is_blocking=False,
            url=at_reports,
            action="See the reports",
        )
    twice = [pair for own in signs for pair in own.repeated if pair[1].pairs]
    pairs = sum(report.pairs for _, report in twice)
    same = sum(round((report.exact.value or 0.0) * report.pairs) for _, report in twice)
    if pairs:
        yield Finding(
            "repeated",
            f"Asked the same twice, jurors gave the same number {same} of {pairs} times"
            f"{_mean_distances(twice)}. One may think again; very unlike answers are worth a look.",
            is_blocking=False,
            url=reverse("study-jurors", args=[study.public_id]),
            action="See juror by juror",
        )


def _mean_distances(reports: Sequence[tuple[str, SelfAgreement]]) -> str:
    """How far apart on average, where not all were equal; by criterion, since scales differ."""
    totals: dict[str, float] = defaultdict(float)
    pairs: Counter[str] = Counter()
    for criterion, report in reports:
        totals[criterion] += (report.mean_difference.value or 0.0) * report.pairs
        pairs[criterion] += report.pairs
    if not any(totals.values()):
        return ""
    if len(totals) == 1:
        ((criterion, total),) = totals.items()
        return f" and were {total / pairs[criterion]:.2g} apart on average"
    told = ", ".join(f"{totals[name] / pairs[name]:.2g} on {name}" for name in totals)
    return f" and were apart on average by {told}"


def _about_quiz(study: Study) -> Iterator[Finding]:
    jurors = list(study.participations.values_list("juror_id", flat=True))
    outcomes = quiz_outcomes(study=study, juror_ids=jurors).values()
    stumbled = sum(own.right_at_once < own.asked for own in outcomes)
    if stumbled:
        never = sum(own.right < own.asked for own in outcomes)
        yield Finding(
            "quiz",
            f"{stumbled} of the {_count(len(outcomes), 'juror', 'jurors')} who took the quiz "
            f"had an answer wrong at the first try, {never or 'none'} also at the last. "
            "If they are many, the instructions are not clear.",
            is_blocking=False,
            url=reverse("study-jurors", args=[study.public_id]),
            action="See juror by juror",
        )


def _about_results(study: Study) -> Iterator[Finding]:
    stale = study.exports.filter(stale_since__isnull=False).count()
    if stale:
        yield Finding(
            "exports",
            f"{_count(stale, 'export holds', 'exports hold')} what a juror has since withdrawn.",
            is_blocking=False,
            url=reverse("study-exports", args=[study.public_id]),
            action="Replace them",
        )
    page = results_page(study=study)
    if page.snapshot is None or page.pending is not None:
        return
    at_results = reverse("study-results", args=[study.public_id])
    if page.snapshot.stale_since is not None:
        text = "The results count what a juror has since withdrawn."
    elif page.is_outdated:
        text = "Something was said or changed after the results were computed."
    else:
        return
    yield Finding("results", text, is_blocking=False, url=at_results, action="Compute them again")
