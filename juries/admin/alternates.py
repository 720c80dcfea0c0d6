"""Alternates on the seats page: expected dropouts, the number that follows, and their draw."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from juries.admin.rooms import acting_user
from juries.admin.seats import SeatPages
from juries.forms.alternates import AlternatesForm
from juries.forms.seats import SeatsForm
from juries.models import Jury
from juries.selectors.alternates import alternates_of, estimated_rates
from juries.selectors.vacancies import outlook_of, vacancies_of
from juries.services import alternates
from juries.tasks import enqueue_run


class AlternatePages(SeatPages):
    """The seats page with what its vacant seats ask for, and with alternates."""

    def alternates_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Work out how many alternates it takes, or ask for their draw."""
        jury = self.load(request, pk, related=("pool",))
        form = self._alternates_form(jury, request.POST)
        seats = SeatsForm(None, jury=jury)
        if not form.is_valid():
            return self._show_seats(request, jury, seats, status=400, alternates_form=form)
        wanted = form.wanted()
        try:
            if form.data.get("action") != "alternates":
                plan = alternates.plan_for(jury=jury, wanted=wanted)
                return self._show_seats(request, jury, seats, alternates_form=form, plan=plan)
            run = alternates.request_alternates(
                jury=jury,
                wanted=wanted,
                number=form.cleaned_data["number"],
                seed=form.cleaned_data["seed"],
                actor=acting_user(request),
            )
        except alternates.AlternatesRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:juries_jury_seats", pk)
        enqueue_run(run=run)
        return redirect("run", run.public_id)

    def _alternates_form(self, jury: Jury, data: Any = None) -> AlternatesForm:
        return AlternatesForm(data, jury=jury, seen=estimated_rates(pool=jury.pool))

    def seats_context(self, jury: Jury, vacant: int, context: dict[str, Any]) -> dict[str, Any]:
        """What stands on the seats page beside the seats."""
        return {
            "alternates": alternates_of(jury=jury),
            "alternates_form": context.get("alternates_form") or self._alternates_form(jury),
            "plan": context.get("plan"),
            "outlook": outlook_of(vacancies=vacancies_of(jury=jury)) if vacant else None,
        }
