"""Open pools: which there are, registering, confirming the address, leaving."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from juries.forms.registration import RegistrationForm
from juries.models import Pool
from juries.services import registration
from juries.views.access import too_many_tries

TRIES, TRY_SECONDS = 20, 600


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page, with the pools that take volunteers."""
    return render(request, "home.html", {"open_pools": Pool.objects.open_for_registration()})


@require_safe
def pool_list(request: HttpRequest) -> HttpResponse:
    """Pools that take volunteers now."""
    return render(request, "juries/pool_list.html", {"pools": Pool.objects.open_for_registration()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, slug: str) -> HttpResponse:
    """Volunteer for a pool."""
    pool = get_object_or_404(Pool, slug=slug)
    if not Pool.objects.open_for_registration().filter(pk=pool.pk).exists():
        return render(request, "juries/register_closed.html", {"pool": pool}, status=410)
    form = RegistrationForm(request.POST or None, pool=pool)
    if request.method != "POST":
        return render(request, "juries/register.html", {"pool": pool, "form": form})
    if too_many_tries(request, purpose="registration", tries=TRIES, seconds=TRY_SECONDS):
        return render(request, "429.html", {"retry_after": TRY_SECONDS}, status=429)
    if not form.is_valid():
        form.show_again()
        return render(request, "juries/register.html", {"pool": pool, "form": form}, status=400)
    try:
        result = registration.register_candidate(
            pool=pool, email=form.cleaned_data["email"], values=form.chosen(), now=timezone.now()
        )
    except registration.RegistrationRefused as refusal:
        form.add_error(None, str(refusal))
        return render(request, "juries/register.html", {"pool": pool, "form": form}, status=400)
    request.session[f"registered-{pool.pk}"] = "" if result.waits_for_mail else result.code
    return redirect("pool-registered", slug)


@never_cache
@require_safe
def registered(request: HttpRequest, slug: str) -> HttpResponse:
    """Thanks. Says the same to whoever was in the pool before."""
    pool = get_object_or_404(Pool, slug=slug)
    code = request.session.get(f"registered-{pool.pk}")
    if code is None:
        return redirect("pool-register", slug)
    return _thanks(request, pool, str(code))


@never_cache
@require_safe
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail was opened."""
    try:
        candidate = registration.confirm_address(token=token, now=timezone.now())
    except registration.ConfirmationRefused as refusal:
        return render(request, "juries/confirm_refused.html", {"refusal": refusal}, status=410)
    return _thanks(request, candidate.pool, str(candidate.public_id))


def _thanks(request: HttpRequest, pool: Pool, code: str) -> HttpResponse:
    return render(
        request,
        "juries/registered.html",
        {
            "pool": pool,
            "code": code,
            "leave_path": registration.leave_path(public_id=code) if code else "",
        },
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, signature: str) -> HttpResponse:
    """A volunteer leaves the pool."""
    candidate = registration.candidate_of_leave_link(signature=signature)
    if candidate is not None and request.method == "POST":
        registration.leave_pool(candidate=candidate)
        return render(request, "juries/left.html", {"pool": candidate.pool})
    return render(
        request,
        "juries/leave.html",
        {"candidate": candidate},
        status=200 if candidate else 410,
    )
