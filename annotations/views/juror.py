"""A juror's way: her link, consent, questions, instructions, thanks, and how to leave.

Everything here is reached through the seat that her own link put into the session; what belongs
to another seat does not exist for her (404).
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotations.domain.completion import Outcome
from annotations.forms.juror import ConsentForm, LeaveForm, ProfileForm
from annotations.models import Participation, Study
from annotations.selectors import ways_in, work
from annotations.selectors.work import Stage
from annotations.services import participation as way
from annotations.services import places
from annotations.services.places import PlaceGone
from annotations.services.submissions import work_at_hand
from juries.models import Seat
from juries.services import invitations
from juries.services.invitations import InvitationRefused

SEAT_KEY = "juror_seat"
# How she came, if it was by a way in of the study.
ARRIVAL_KEY = "juror_arrival"

P = ParamSpec("P")
SeatView = Callable[Concatenate[HttpRequest, Seat, P], HttpResponse]
OwnView = Callable[Concatenate[HttpRequest, Participation, P], HttpResponse]


# --- Guards: load or refuse -----------------------------------------------------------------------


def private(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Keep a juror's page out of shared caches; lead away whoever has lost her place."""
    shown = cache_control(private=True, no_cache=True)(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return shown(*args, **kwargs)
        except PlaceGone as gone:
            request = args[0]
            assert isinstance(request, HttpRequest)
            if request.headers.get("Accept", "").startswith("application/json"):
                return JsonResponse({"saved": False, "message": str(gone)}, status=410)
            return redirect("way-in-ended")

    return guarded


def with_seat(view: SeatView[P]) -> Callable[..., HttpResponse]:
    """Hand the view the seat of the session, or answer 404."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        seat = work.sitting_seat(seat_id=seat_id_of(request))
        if seat is None:
            places.refuse_if_given_away(seat_id=seat_id_of(request))
            raise Http404("No seat is open in this browser.")
        return view(request, seat, *args, **kwargs)

    return private(guarded)


def with_participation(view: OwnView[P]) -> Callable[..., HttpResponse]:
    """Hand the view the participation at the address if it is this seat's own, or answer 404."""

    @wraps(view)
    def guarded(
        request: HttpRequest, public_id: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        participation = work.own_participation(seat_id=seat_id_of(request), public_id=public_id)
        if participation is None:
            places.refuse_if_given_away(seat_id=seat_id_of(request))
            raise Http404("There is nothing of this seat at the address.")
        places.keep_place(participation=participation, now=timezone.now())
        return view(request, participation, *args, **kwargs)

    return private(guarded)


def seat_id_of(request: HttpRequest) -> int:
    """The seat that a personal link put into the session; -1, which no seat has, without one."""
    value = request.session.get(SEAT_KEY)
    return value if isinstance(value, int) else -1


# --- The link -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@cache_control(no_store=True)
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """A personal link: put the seat into the session and take the secret out of the address."""
    try:
        seat = invitations.open_invitation(token=token, now=timezone.now())
    except InvitationRefused as refusal:
        if request.method == "POST" and refusal.seat is not None:
            invitations.withdraw_juror(juror=refusal.seat.juror, erase_said=True)
            return render(request, "annotations/juror/left.html", {"how": LeaveForm.EVERYTHING})
        status = 404 if refusal.reason_code == "unknown" else 410
        context = {"refusal": refusal, "is_erased": _is_erased(refusal)}
        return render(request, "annotations/juror/link_refused.html", context, status=status)
    request.session.cycle_key()
    request.session[SEAT_KEY] = seat.pk
    request.session.pop(ARRIVAL_KEY, None)
    return redirect("juror-studies")


def _is_erased(refusal: InvitationRefused) -> bool:
    return refusal.seat is not None and refusal.seat.juror.erased_at is not None


# --- Which study ----------------------------------------------------------------------------------


@require_GET
@with_seat
def studies(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The only study that is open to her, a choice between several, or word that there is none."""
    found = work.studies_of_seat(seat=seat)
    if len(found) == 1:
        return redirect("juror-way", way.join_study(seat=seat, study=found[0]).public_id)
    return render(request, "annotations/juror/studies.html", {"studies": found, "seat": seat})


@require_POST
@with_seat
def join(request: HttpRequest, seat: Seat, public_id: UUID) -> HttpResponse:
    """Take part in one of several studies."""
    study = work.study_of_seat(seat=seat, public_id=public_id)
    if study is None:
        raise Http404("There is no such study for this jury.")
    try:
        participation = way.join_study(seat=seat, study=study)
    except way.StudyNotOpen:
        return _closed(request, study)
    return redirect("juror-way", participation.public_id)


# --- The way through a study ----------------------------------------------------------------------

PLACES = {
    Stage.CONSENT: "juror-consent",
    Stage.QUESTIONS: "juror-questions",
    Stage.INSTRUCTIONS: "juror-instructions",
    Stage.QUIZ: "juror-quiz",
    Stage.REFUSED: "juror-refused",
    Stage.FINISHED: "juror-thanks",
}


@require_GET
@with_participation
def go_on(request: HttpRequest, participation: Participation) -> HttpResponse:
    """Lead her to what comes next, wherever she left."""
    stage = work.stage_of(participation=participation)
    if stage == Stage.FINISHED:
        return redirect("juror-thanks", participation.public_id)
    if participation.study.state != Study.State.OPEN:
        return _closed(request, participation.study)
    if stage != Stage.WORK:
        return redirect(PLACES[stage], participation.public_id)
    now = timezone.now()
    way.begin_work(participation=participation, now=now)
    assignment = work_at_hand(participation=participation, now=now)
    if assignment is None:
        return redirect("juror-thanks", participation.public_id)
    page = work.page_to_resume(assignment=assignment, pages=work.pages_of(assignment=assignment))
    place = [participation.public_id, assignment.position + 1]
    if not page.item:
        return redirect("juror-page", *place, page.kind)
    return redirect("juror-item", *place, page.kind, page.item)


@require_http_methods(["GET", "POST"])
@with_participation
def consent(request: HttpRequest, participation: Participation) -> HttpResponse:
    """What she is asked to agree to; yes or no."""
    study = participation.study
    if study.state != Study.State.OPEN:
        return _closed(request, study)
    context: dict[str, object] = {"participation": participation, "study": study}
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["decision"] == "decline":
            way.refuse_consent(participation=participation)
            places.let_go(participation=participation, now=timezone.now())
            return redirect("juror-refused", participation.public_id)
        try:
            way.record_consent(
                participation=participation,
                version=form.cleaned_data["version"],
                now=timezone.now(),
            )
        except way.ConsentOutdated as problem:
            context["problem"] = str(problem)
        else:
            return redirect("juror-way", participation.public_id)
    context["limit"] = work.query_limit(study=study)
    return render(request, "annotations/juror/consent.html", context)


@require_GET
@with_participation
def refused(request: HttpRequest, participation: Participation) -> HttpResponse:
    """She said no: nothing is held against her, and she can think again."""
    if work.stage_of(participation=participation) != Stage.REFUSED:
        return redirect("juror-way", participation.public_id)
    context = {
        "participation": participation,
        "study": participation.study,
        "ending": ways_in.ending_of(participation=participation, outcome=Outcome.NO_CONSENT),
    }
    return render(request, "annotations/juror/refused.html", context)


@require_http_methods(["GET", "POST"])
@with_participation
def questions(request: HttpRequest, participation: Participation) -> HttpResponse:
    """The study's questions about herself."""
    study = participation.study
    if study.state != Study.State.OPEN:
        return _closed(request, study)
    stage = work.stage_of(participation=participation)
    if stage in (Stage.CONSENT, Stage.REFUSED):
        return redirect("juror-way", participation.public_id)
    if participation.came_by and not work.open_questions(participation=participation):
        # Her answers have decided on her place; other ones would count her in the wrong group.
        return redirect("juror-way", participation.public_id)
    asked = list(study.profile_questions.all())
    said = work.profile_replies(participation=participation)
    initial = {question.key: said.get(question.pk, "") for question in asked}
    form = ProfileForm(asked, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        way.record_profile(participation=participation, replies=form.replies())
        return redirect("juror-way", participation.public_id)
    context = {"participation": participation, "study": study, "form": form}
    return render(
        request, "annotations/juror/questions.html", context, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "POST"])
@with_participation
def instructions(request: HttpRequest, participation: Participation) -> HttpResponse:
    """What the work is and how it is done. Stays open to her while she works."""
    study = participation.study
    stage = work.stage_of(participation=participation)
    if stage in (Stage.CONSENT, Stage.QUESTIONS, Stage.REFUSED):
        return redirect("juror-way", participation.public_id)
    if request.method == "POST":
        way.read_instructions(participation=participation, now=timezone.now())
        return redirect("juror-way", participation.public_id)
    context = {
        "participation": participation,
        "study": study,
        "limit": work.query_limit(study=study),
        "has_begun": stage != Stage.INSTRUCTIONS,
    }
    return render(request, "annotations/juror/instructions.html", context)


@require_GET
@with_participation
def thanks(request: HttpRequest, participation: Participation) -> HttpResponse:
    """Thanks, the completion code, what her answers are for, how to withdraw them."""
    if participation.state != Participation.State.FINISHED:
        return redirect("juror-way", participation.public_id)
    context = {
        "participation": participation,
        "study": participation.study,
        "last": participation.next_position,
        "ending": ways_in.ending_of(participation=participation, outcome=Outcome.COMPLETE),
    }
    return render(request, "annotations/juror/thanks.html", context)


def _closed(request: HttpRequest, study: Study) -> HttpResponse:
    return render(request, "annotations/juror/closed.html", {"study": study}, status=410)


# --- Leaving --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@with_seat
def leave(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Give up the seat, and erase the person, and what she said, as she chooses."""
    form = LeaveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        how = form.cleaned_data["how"]
        if how == LeaveForm.SEAT:
            invitations.decline_seat(seat=seat)
        else:
            invitations.withdraw_juror(juror=seat.juror, erase_said=how == LeaveForm.EVERYTHING)
        for key in (SEAT_KEY, ARRIVAL_KEY):
            request.session.pop(key, None)
        return render(request, "annotations/juror/left.html", {"how": how})
    context = {"form": form, "back": work.latest_participation(seat=seat)}
    return render(
        request, "annotations/juror/leave.html", context, status=422 if form.errors else 200
    )
