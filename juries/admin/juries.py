"""The desk of juries: quotas with a live check, seating rules, the draw, seats, invitations."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from juries.admin.alternates import AlternatePages
from juries.admin.quotas import QuotaPages
from juries.admin.rooms import acting_user
from juries.admin.seating_rules import SeatingRulePages
from juries.forms.draws import ComparisonForm, DrawForm
from juries.models import Draw, Jury, Run
from juries.selectors.draws import draw_inputs
from juries.selectors.quotas import check_of_quotas, quotas_of
from juries.selectors.seats import bench_of_jury
from juries.services import comparisons, draws
from juries.services import juries as services
from juries.tasks import enqueue_run

COMPARISONS_SHOWN = 5


@admin.register(Jury)
class JuryAdmin(QuotaPages, SeatingRulePages, AlternatePages):
    """Juries, with pages for quotas, seating rules, the draw and the seats."""

    change_form_template = "admin/juries/jury_form.html"
    list_display = ("name", "pool", "size", "kind", "seated", "created_at", "rooms")
    list_filter = ("kind", "pool")
    search_fields = ("name",)
    list_select_related = ("pool",)
    fields = ("pool", "name", "purpose", "size", "kind", "household_limit", "rest_months")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Jury]:
        """Juries with the numbers of their seats."""
        return Jury.objects.with_seat_counts()

    def get_readonly_fields(self, request: HttpRequest, obj: Jury | None = None) -> tuple[str, ...]:
        """Pool and size stay as they are once somebody has been drawn."""
        return services.FIXED_ONCE_SEATED if obj and obj.seats.exists() else ()

    def save_model(self, request: HttpRequest, obj: Jury, form: Any, change: bool) -> None:
        """Make or change the jury through its services."""
        save = services.change_jury if change else services.create_jury
        save(jury=obj, actor=acting_user(request))

    @admin.display(description="accepted")
    def seated(self, jury: Any) -> str:
        """Seats accepted, of how many."""
        return f"{jury.seats_accepted} of {jury.size}"

    @admin.display(description="pages")
    def rooms(self, jury: Jury) -> str:
        """Links to the jury's own pages."""
        return format_html(
            '<a href="{}">quotas</a> · <a href="{}">rules</a> · <a href="{}">draw</a> · '
            '<a href="{}">seats</a>',
            *(reverse(f"admin:juries_jury_{room}", args=[jury.pk]) for room in
              ("quotas", "rules", "draw", "seats")),
        )  # fmt: skip

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, under the bench of the jury."""
        jury = self.get_object(request, object_id)
        context = {"bench": bench_of_jury(jury=jury)} if jury else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and those of quotas, seating rules, the draw and the seats."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/quotas/", wrap(self.quotas_page), name="juries_jury_quotas"),
            path(
                "<int:pk>/quotas/categories.csv",
                wrap(self.quotas_file),
                name="juries_jury_quotas_file",
            ),
            path(
                "<int:pk>/quotas/check/",
                wrap(require_POST(self.quotas_check)),
                name="juries_jury_quotas_check",
            ),
            path("<int:pk>/rules/", wrap(self.seating_rules_page), name="juries_jury_rules"),
            path("<int:pk>/draw/", wrap(self.draw_page), name="juries_jury_draw"),
            path("<int:pk>/seats/", wrap(self.seats_page), name="juries_jury_seats"),
            path(
                "<int:pk>/alternates/",
                wrap(require_POST(self.alternates_page)),
                name="juries_jury_alternates",
            ),
            *super().get_urls(),
        ]

    # --- The draw -------------------------------------------------------------------------------

    def draw_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a comparison or for a draw; the draws so far."""
        jury = self.load(request, pk, related=("pool",))
        comparing = request.POST.get("action") == "compare"
        comparison_form = ComparisonForm(request.POST if comparing else None)
        form = DrawForm(
            request.POST if request.method == "POST" and not comparing else None,
            initial=_wanted_method(request),
        )
        try:
            run = self._asked_for(request, jury, form, comparison_form)
        except (draws.DrawRefused, comparisons.ComparisonRefused) as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:juries_jury_draw", pk)
        if run is not None:
            enqueue_run(run=run)
            return redirect("run", run.public_id)
        check = check_of_quotas(jury=jury, quotas=quotas_of(jury=jury))
        return self.page(
            request,
            "admin/juries/draw.html",
            jury,
            f"Draw {jury.name}",
            jury=jury,
            form=form,
            comparison_form=comparison_form,
            comparisons=jury.comparisons.defer("content")[:COMPARISONS_SHOWN],
            input_digest=draw_inputs(jury=jury).digest,
            reason=draws.reason_not_to_draw(jury=jury),
            check=check,
            quota_count=jury.quotas.count(),
            draws=Draw.objects.filter(jury=jury).select_related("run").defer("record", "numbered"),
        )

    def _asked_for(
        self, request: HttpRequest, jury: Jury, form: DrawForm, comparison_form: ComparisonForm
    ) -> Run | None:
        """The Run that a valid form asks for."""
        actor = acting_user(request)
        if comparison_form.is_valid():
            return comparisons.request_comparison(
                jury=jury,
                time_limit=float(comparison_form.cleaned_data["time_limit"]),
                actor=actor,
            )
        if form.is_valid():
            return draws.request_draw(
                jury=jury,
                method=form.cleaned_data["method"],
                mode=form.cleaned_data["mode"],
                seed=form.cleaned_data["seed"],
                time_limit=float(form.cleaned_data["time_limit"]),
                actor=actor,
            )
        return None


def _wanted_method(request: HttpRequest) -> dict[str, str]:
    """The objective that the page of a comparison sent along, if it can be drawn by."""
    name = request.GET.get("method", "")
    return {"method": name} if name in draws.DRAWABLE_METHODS else {}
