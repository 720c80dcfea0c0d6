"""Ways into a study in the admin: places, groups, and what people take with them at the end."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from annotations.admin.access import StudyRights, VisibleStudiesFilter, acting_user
from annotations.admin.queries import PartAdmin
from annotations.forms.ways_in import PlaceGroupForm, WayInForm
from annotations.models import PlaceGroup, Study, WayIn
from annotations.services import ways_in as services


class PlaceGroupInline(StudyRights, admin.StackedInline[PlaceGroup, WayIn]):
    """Groups by what people say about themselves; none: places in all, for everybody."""

    model = PlaceGroup
    form = PlaceGroupForm
    extra = 0
    fields = (("name", "places"), "answers")
    verbose_name_plural = "groups (none: whoever comes)"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Forms that offer the answers of the study's own questions."""
        formset = super().get_formset(request, obj, **kwargs)
        wanted = request.GET.get("study", "")
        visible = Study.objects.visible_to(acting_user(request))
        study = (
            obj.study
            if obj is not None
            else visible.filter(pk=wanted if wanted.isdecimal() else 0).first()
        )

        class FormsetOfStudy(formset):  # type: ignore[misc,valid-type] # made by Django at run time
            def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
                kwargs: dict[str, Any] = super().get_form_kwargs(index)
                return {**kwargs, "study": study}

        return FormsetOfStudy


@admin.register(WayIn)
class WayInAdmin(PartAdmin):
    """Open links, Prolific, other panels. They are opened and closed on the study's own page."""

    form = WayInForm
    inlines = (PlaceGroupInline,)
    change_form_template = "admin/annotations/way_in_change_form.html"
    list_display = ("name", "kind", "is_open", "places", "study_page")
    list_filter = (("study", VisibleStudiesFilter), "kind", "is_open")
    search_fields = ("name",)
    ordering = ("study_id", "id")
    fieldsets = (
        (None, {"fields": ("name", "kind", "places")}),
        ("Another panel", {"fields": ("id_parameter",)}),
        (
            "At the end",
            {
                "fields": (
                    "completion_url", "complete", "screened_out", "quota_full", "no_consent",
                )
            },
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WayIn]:
        """Ways into the user's own studies."""
        return WayIn.objects.filter(
            study__in=Study.objects.visible_to(acting_user(request))
        ).select_related("study__jury__pool")

    @admin.display(description="study")
    def study_page(self, way: WayIn) -> str:
        """Link to the page where its places fill."""
        url = reverse("study-ways-in", args=[way.study.public_id])
        return format_html('<a href="{}">{}</a>', url, way.study.title)

    # --- One way ----------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the study first; then the way and its groups."""
        choice = self.study_choice(request)
        study = next((s for s in choice if str(s.pk) == request.GET.get("study")), None)
        if study is None and len(choice) == 1 and "study" not in request.GET:
            return HttpResponseRedirect(f"{request.path}?study={choice[0].pk}")
        if study is None:
            return TemplateResponse(
                request,
                "admin/annotations/choose_study.html",
                {
                    **self.admin_site.each_context(request),
                    "title": "Add a way in",
                    "studies": choice,
                    "opts": self.opts,
                },
            )
        return super().add_view(request, form_url, {**(extra_context or {}), "study": study})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The way; who came by it fixes its groups."""
        way = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if way is not None:
            context |= {"study": way.study, "came": way.arrivals.count()}
        return super().change_view(request, object_id, form_url, context)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT002 - Django's
        **kwargs: Any,
    ) -> Any:
        """A form whose new way already knows its study."""
        form = super().get_form(request, obj, change, **kwargs)
        wanted = request.GET.get("study", "")
        studies = {str(study.pk): study for study in self.study_choice(request)}
        if change or wanted not in studies:
            return form

        class FormOfStudy(form):  # type: ignore[misc,valid-type] # made by Django at run time
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.instance.study = studies[wanted]

        return FormOfStudy

    def save_model(self, request: HttpRequest, obj: WayIn, form: Any, change: bool) -> None:
        """Add or change the way through its service."""
        services.save_way(way=obj, actor=acting_user(request))

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool
    ) -> None:
        """Save and remove groups through their services."""
        rows = formset.save(commit=False)  # type: ignore[attr-defined] # an inline formset
        for row in formset.deleted_objects:  # type: ignore[attr-defined] # as above
            services.remove_group(group=row, actor=acting_user(request))
        for row in rows:
            row.way_in = form.instance
            services.save_group(group=row, actor=acting_user(request))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the study's page, where it is opened."""
        return self._to_the_study(request, obj, super().response_add(request, obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the study's page."""
        return self._to_the_study(request, obj, super().response_change(request, obj))

    def _to_the_study(self, request: HttpRequest, obj: Any, answer: HttpResponse) -> HttpResponse:
        if "_save" in request.POST:
            return HttpResponseRedirect(reverse("study-ways-in", args=[obj.study.public_id]))
        return answer

    # --- Removing ---------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The ways that would go, and why those stay by which people have come."""
        ways = list(objs)
        stays = [f"{way}: {reason}" for way in ways if (reason := services.why_way_stays(way))]
        missing = {"way in" for way in ways if not self.has_delete_permission(request, way)}
        return [str(way) for way in ways], {"ways in": len(ways)}, missing, stays

    def delete_model(self, request: HttpRequest, obj: WayIn) -> None:
        """Remove a way by which nobody has come."""
        services.remove_way(way=obj, actor=acting_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WayIn]) -> None:
        """Remove ways by which nobody has come."""
        for way in queryset:
            services.remove_way(way=way, actor=acting_user(request))
