"""The seating rules of a jury: who must, or must not, sit, named one by one or as a list."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from juries.admin.rooms import RoomAdmin, acting_user
from juries.forms.seating_rules import SeatingRulesForm
from juries.models import Jury
from juries.permissions import can_see_identity
from juries.selectors.quotas import check_of_quotas, quotas_of
from juries.selectors.seating_rules import (
    MOST_FOUND,
    find_candidates,
    ids_of,
    in_force,
    rules_of,
)
from juries.services import seating_rules

RULES_PER_PAGE = 100


class SeatingRulePages(RoomAdmin[Jury]):
    """People are found by a search or pasted; rules are ticked to take them off."""

    def seating_rules_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rules so far; finds people, adds rules or takes them off."""
        jury = self.load(request, pk, related=("pool",))
        action = request.POST.get("action", "")
        if request.method != "POST":
            return self._show_rules(request, jury)
        if action == "find":
            return self._show_rules(request, jury, _after_search(request, jury))
        if action == "remove":
            return self._remove_rules(request, jury)
        form = _form(request)
        if form.is_valid():
            people = [*form.cleaned_data["people"], *request.POST.getlist("found")]
            try:
                kept = seating_rules.add_seating_rules(
                    jury=jury,
                    people=people,
                    rule=form.cleaned_data["rule"],
                    reason=form.cleaned_data["reason"],
                    by_identity=can_see_identity(acting_user(request)),
                    actor=acting_user(request),
                )
            except seating_rules.SeatingRulesRefused as refusal:
                for problem in refusal.problems:
                    form.add_error("people", problem)
            else:
                messages.success(request, _said(kept))
                return redirect("admin:juries_jury_rules", pk)
        return self._show_rules(request, jury, form, status=400)

    def _remove_rules(self, request: HttpRequest, jury: Jury) -> HttpResponse:
        ticked = [int(pk) for pk in request.POST.getlist("rules") if pk.isascii() and pk.isdigit()]
        gone = seating_rules.remove_seating_rules(
            jury=jury, rules=ticked, actor=acting_user(request)
        )
        if gone:
            messages.success(request, f"{gone} rule{'s are' if gone > 1 else ' is'} taken off.")
        else:
            messages.error(request, "Tick the rules that are to be taken off.")
        return redirect("admin:juries_jury_rules", jury.pk)

    def _show_rules(
        self,
        request: HttpRequest,
        jury: Jury,
        form: SeatingRulesForm | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        shows_identity = can_see_identity(acting_user(request))
        wanted = request.POST.get("find", "").strip()
        rules = Paginator(rules_of(jury=jury), RULES_PER_PAGE)
        return self.page(
            request,
            "admin/juries/seating_rules.html",
            jury,
            f"Seating rules of {jury.name}",
            status,
            jury=jury,
            form=form or _form(request),
            wanted=wanted,
            most_found=MOST_FOUND,
            found=find_candidates(jury=jury, text=wanted) if shows_identity else [],
            page=rules.get_page(request.GET.get("page")),
            shows_identity=shows_identity,
            check=check_of_quotas(jury=jury, quotas=quotas_of(jury=jury)),
            **in_force(jury=jury),
        )


def _form(request: HttpRequest) -> SeatingRulesForm:
    data = request.POST if request.method == "POST" else None
    return SeatingRulesForm(data, by_identity=can_see_identity(acting_user(request)))


def _after_search(request: HttpRequest, jury: Jury) -> SeatingRulesForm:
    """What was typed, judged by nobody yet, and whom the search before this one had found."""
    by_identity = can_see_identity(acting_user(request))
    typed = {name: request.POST.get(name, "") for name in ("people", "rule", "reason")}
    if by_identity:
        found = ids_of(jury=jury, codes=request.POST.getlist("found"))
        typed["people"] = "\n".join([*typed["people"].splitlines(), *found])
    if not request.POST.get("find", "").strip():
        # Enter in another field presses the first button, which is this one.
        messages.info(request, "Nothing was added and nobody looked up: say whom to look for.")
    return SeatingRulesForm(initial=typed, by_identity=by_identity)


def _said(kept: seating_rules.KeptRules) -> str:
    added = f"{kept.added} rule{'s are' if kept.added != 1 else ' is'} added."
    standing = f" {kept.standing} stood already." if kept.standing else ""
    return added + standing
