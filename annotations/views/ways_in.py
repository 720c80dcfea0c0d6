"""Coming into a study by oneself: consent, questions, the quota check, and who gets no place.

Nothing is kept of a visitor before she agrees. From the quota check on, whoever has a place is a
juror like any other (`annotations.views.juror`).
"""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from annotations.domain.completion import Outcome, is_panel_id, is_prolific_id
from annotations.forms.juror import LeaveForm, ProfileForm
from annotations.forms.ways_in import EntryForm
from annotations.models import Arrival, Participation, WayIn
from annotations.selectors import ways_in, work
from annotations.selectors.places import has_room
from annotations.services import places
from annotations.services.participation import ConsentOutdated
from annotations.services.places import PlaceGone, WayClosed
from annotations.views.juror import ARRIVAL_KEY, SEAT_KEY, seat_id_of
from juries.models import Seat
from juries.services.invitations import invite, withdraw_juror
from juries.views.access import too_many_tries

# Newcomers from one network address: a class in one room is let in, a program is not.
TRIES, TRY_SECONDS = 60, 600
RETURN_LINK_FOR = timedelta(days=180)

unstored = cache_control(no_store=True)


# --- The door -------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@unstored
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """What a study asks of whoever comes; yes or no. Who was here before is led on."""
    way = _way(token)
    brought = request.GET.get(ways_in.id_parameter(way=way), "") if way.has_ids else ""
    is_id = is_prolific_id if way.kind == WayIn.Kind.PROLIFIC else is_panel_id
    if way.has_ids and not is_id(brought):
        context = {"way": way, "study": way.study, "parameter": ways_in.id_parameter(way=way)}
        return render(request, "annotations/ways_in/id_missing.html", context, status=400)
    known = _known(request, way, brought)
    if known is not None:
        return _lead_on(request, known)
    if places.why_closed(way=way):
        return _closed(request, way)
    if not has_room(way=way, now=timezone.now()):
        return _turned_away(request, way, Outcome.QUOTA_FULL, brought)
    form = EntryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if too_many_tries(request, purpose="way-in", tries=TRIES, seconds=TRY_SECONDS):
            return render(request, "429.html", {"retry_after": TRY_SECONDS}, status=429)
        if request.POST.get("decision") == "decline":
            places.decline(way=way)
            return _turned_away(request, way, Outcome.NO_CONSENT, brought)
        if form.is_valid():
            return _come_in(request, way, form, brought)
        form.show_again()
    return _ask(request, way, form, status=400 if form.errors else 200)


def _ask(request: HttpRequest, way: WayIn, form: EntryForm, *, status: int) -> HttpResponse:
    context = {
        "way": way,
        "study": way.study,
        "form": form,
        "asks": way.study.profile_questions.exists(),
        "limit": work.query_limit(study=way.study),
    }
    return render(request, "annotations/ways_in/consent.html", context, status=status)


def _come_in(request: HttpRequest, way: WayIn, form: EntryForm, brought: str) -> HttpResponse:
    try:
        arrival = places.arrive(
            way=way,
            brought=brought or form.cleaned_data["ticket"].hex,
            version=form.cleaned_data["version"],
            now=timezone.now(),
        )
    except ConsentOutdated as problem:
        form.add_error(None, str(problem))
        form.show_again()
        return _ask(request, way, form, status=400)
    except WayClosed:
        return _closed(request, way)
    return _lead_on(request, arrival)


def _known(request: HttpRequest, way: WayIn, brought: str) -> Arrival | None:
    """Who comes again: by her id, or, where people have none, in the same browser."""
    if way.has_ids:
        return ways_in.arrival_of_id(way=way, brought=brought)
    arrival = ways_in.arrival_by_key(key=request.session.get(ARRIVAL_KEY))
    is_hers = arrival is not None and arrival.way_in.study_id == way.study_id
    return arrival if is_hers else None


def _lead_on(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    """Open the session for her, and go to where she left."""
    _remember(request, arrival, None)
    way = arrival.way_in
    if arrival.state == Arrival.State.ASKED:
        if way.study.profile_questions.exists():
            return redirect("way-in-questions", way.token)
        return _check_in(request, arrival, {})
    if arrival.state == Arrival.State.SEATED:
        return _to_her_place(request, arrival)
    return redirect("way-in-ended")


def _to_her_place(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    assert arrival.participation is not None  # of every arrival with a seat
    try:
        seat = places.take_again(arrival=arrival, now=timezone.now())
    except PlaceGone:
        return redirect("way-in-ended")
    _remember(request, arrival, seat)
    return redirect("juror-way", arrival.participation.public_id)


def _remember(request: HttpRequest, arrival: Arrival, seat: Seat | None) -> None:
    request.session.cycle_key()
    request.session[ARRIVAL_KEY] = arrival.pk
    if seat is None:
        request.session.pop(SEAT_KEY, None)
    else:
        request.session[SEAT_KEY] = seat.pk


# --- Questions and the quota check ----------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@unstored
def questions(request: HttpRequest, token: str) -> HttpResponse:
    """The study's questions about herself; her answers decide to which group she belongs."""
    way = _way(token)
    arrival = ways_in.arrival_by_key(key=request.session.get(ARRIVAL_KEY))
    if arrival is None or arrival.way_in_id != way.pk:
        return redirect("way-in", token)
    if arrival.state != Arrival.State.ASKED:
        return _lead_on(request, arrival)
    if places.why_closed(way=way):
        return _closed(request, way)
    asked = list(way.study.profile_questions.all())
    form = ProfileForm(asked, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _check_in(request, arrival, form.replies())
    context = {"study": way.study, "form": form, "way": way}
    return render(
        request, "annotations/ways_in/questions.html", context, status=422 if form.errors else 200
    )


def _check_in(request: HttpRequest, arrival: Arrival, replies: dict[str, str]) -> HttpResponse:
    now = timezone.now()
    try:
        admission = places.admit(arrival=arrival, replies=replies, now=now)
    except WayClosed:
        return _closed(request, arrival.way_in)
    own = admission.arrival
    if own.state != Arrival.State.SEATED or own.participation is None:
        return redirect("way-in-ended")
    if not admission.is_new:
        return _to_her_place(request, own)
    seat = own.participation.juror.seat
    _remember(request, own, seat)
    if own.way_in.has_ids:
        return redirect("juror-way", own.participation.public_id)
    (issued,) = invite(seats=[seat], expires_in=RETURN_LINK_FOR, now=now)
    context = {
        "study": own.way_in.study,
        "participation": own.participation,
        "link": issued.link,
        "until": issued.invitation.expires_at,
    }
    return render(request, "annotations/ways_in/place.html", context)


# --- No place -------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@unstored
def ended(request: HttpRequest) -> HttpResponse:
    """Why there is no place for her; where there was one, trying again or erasing what she said."""
    arrival = ways_in.arrival_by_key(
        key=request.session.get(ARRIVAL_KEY)
    ) or ways_in.arrival_of_seat(seat_id=seat_id_of(request))
    if arrival is None:
        raise Http404("Nobody has come into a study in this browser.")
    if arrival.state == Arrival.State.ASKED:
        return redirect("way-in-questions", arrival.way_in.token)
    own = arrival.participation
    if own is None:
        outcome = (
            Outcome.SCREENED_OUT
            if arrival.state == Arrival.State.SCREENED_OUT
            else Outcome.QUOTA_FULL
        )
        brought = ways_in.brought_id(way=arrival.way_in, candidate=arrival.candidate)
        return _turned_away(request, arrival.way_in, outcome, brought)
    return _without_a_place(request, arrival, own)


def _without_a_place(request: HttpRequest, arrival: Arrival, own: Participation) -> HttpResponse:
    seat = own.juror.seat
    is_held = seat.is_sitting and (
        own.state == Participation.State.FINISHED
        or (arrival.lease_expires_at or timezone.now()) > timezone.now()
    )
    if is_held:
        return redirect("juror-way", own.public_id)
    if request.method == "POST" and "erase" in request.POST:
        withdraw_juror(juror=own.juror, erase_said=True)
        for key in (SEAT_KEY, ARRIVAL_KEY):
            request.session.pop(key, None)
        return render(request, "annotations/juror/left.html", {"how": LeaveForm.EVERYTHING})
    if request.method == "POST":
        return _to_her_place(request, arrival)
    has_left = places.has_left(participation=own)
    way = arrival.way_in
    brought = ways_in.brought_id(way=way, candidate=arrival.candidate)
    full = ways_in.ending(way=way, outcome=Outcome.QUOTA_FULL, brought=brought)
    context = {
        "study": own.study,
        "has_left": has_left,
        "is_erased": own.juror.erased_at is not None,
        "ending": None if has_left else full,
    }
    return render(request, "annotations/ways_in/place_gone.html", context, status=410)


def _turned_away(request: HttpRequest, way: WayIn, outcome: Outcome, brought: str) -> HttpResponse:
    """Thanks, the reason, and what the panel wants to hear. A page, not a fault: status 200."""
    context = {
        "way": way,
        "study": way.study,
        "outcome": outcome.value,
        "ending": ways_in.ending(way=way, outcome=outcome, brought=brought),
    }
    return render(request, "annotations/ways_in/turned_away.html", context)


def _closed(request: HttpRequest, way: WayIn) -> HttpResponse:
    context = {"study": way.study}
    return render(request, "annotations/ways_in/closed.html", context, status=410)


def _way(token: str) -> WayIn:
    way = ways_in.way_by_token(token=token)
    if way is None:
        raise Http404("There is no study at this address.")
    return way
