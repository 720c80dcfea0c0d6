"""Queries, responses and sources in the admin; each is reached through its study."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from annotations.admin.access import (
    StudyRights,
    StudyScopedAdmin,
    VisibleStudiesFilter,
    acting_user,
    may,
)
from annotations.forms.study_parts import QueryForm, QueryOptionForm, ResponseForm, SourceForm
from annotations.models import Query, QueryOption, Response, Source, Study
from annotations.permissions import can_edit_study
from annotations.selectors.shown import (
    why_query_is_fixed,
    why_query_text_is_fixed,
    why_response_is_fixed,
)
from annotations.services import study_content
from annotations.services.studies import StudyRefused

SHORT = 90
PER_PAGE = 50


def short(text: str) -> str:
    """A text for a cell of a list."""
    return Truncator(text).chars(SHORT)


class QueryOptionInline(StudyRights, admin.TabularInline[QueryOption, Query]):
    """What a juror may choose."""

    model = QueryOption
    form = QueryOptionForm
    extra = 0


class ResponseInline(StudyRights, admin.StackedInline[Response, Query]):
    """What the sources answered."""

    model = Response
    form = ResponseForm
    extra = 0
    fields = (("source", "external_id"), "text")
    formfield_overrides = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 8, "cols": 80})}
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        """With the sources' names."""
        return super().get_queryset(request).select_related("source", "query__study")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Remember whose sources are to be offered."""
        wanted = request.GET.get("study", "")
        self._study_id = obj.study_id if obj is not None else wanted if wanted.isdecimal() else 0
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The study's own sources."""
        if db_field.name == "source":
            studies = Study.objects.visible_to(acting_user(request)).filter(pk=self._study_id)
            kwargs["queryset"] = Source.objects.filter(study__in=studies)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class PartAdmin(StudyScopedAdmin[Any]):
    """What queries, responses and sources have in common."""

    show_full_result_count = False
    list_per_page = PER_PAGE

    def study_choice(self, request: HttpRequest) -> Sequence[Study]:
        """Studies that the user may add to."""
        studies = Study.objects.visible_to(acting_user(request)).order_by("title", "id")
        return [study for study in studies if may(request, can_edit_study, study)]


@admin.register(Query)
class QueryAdmin(PartAdmin):
    """Queries with their options and responses."""

    form = QueryForm
    inlines = (QueryOptionInline, ResponseInline)
    change_form_template = "admin/annotations/query_change_form.html"
    list_display = (
        "place", "external_id", "words", "check_words", "study_title", "responses_of", "taken",
    )  # fmt: skip
    list_display_links = ("external_id", "words")
    list_filter = (("study", VisibleStudiesFilter), "check_kind")
    search_fields = ("external_id", "text")
    ordering = ("study_id", "ordinal")
    actions = ("put_again",)
    formfield_overrides = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 5, "cols": 80})}
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Query]:
        """Queries of the user's own studies, with the number of their responses."""
        counts = (
            Response.objects.filter(query=OuterRef("pk"))
            .order_by()
            .values("query")
            .annotate(count=Count("pk"))
            .values("count")
        )
        return (
            Query.objects.filter(study__in=Study.objects.visible_to(acting_user(request)))
            .select_related("study", "repeats")
            .annotate(response_count=Coalesce(Subquery(counts), 0))
        )

    @admin.display(description="no.", ordering="ordinal")
    def place(self, query: Query) -> int:
        """Its place in the study, from 1."""
        return query.ordinal + 1

    @admin.display(description="query")
    def words(self, query: Query) -> str:
        """The beginning of its text."""
        return short(query.text)

    @admin.display(description="check", ordering="check_kind")
    def check_words(self, query: Query) -> str:
        """What kind of check it is, and of which query."""
        if query.repeats is not None:
            return f"puts {query.repeats.external_id} again"
        return str(query.get_check_kind_display()) if query.check_kind else ""

    @admin.action(description="Put again later, as a check of agreement with oneself")
    def put_again(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """Append a copy of each ticked query, all of them or none."""
        made = []
        with transaction.atomic():
            for query in queryset.order_by("study_id", "ordinal"):
                if not may(request, can_edit_study, query.study):
                    raise StudyRefused(f"You may not change the study of {query.external_id!r}.")
                made.append(
                    study_content.repeat_query(query=query, actor=acting_user(request)).external_id
                )
        self.message_user(
            request,
            f"Put again at the end: {', '.join(made)}. Jurors meet each after its original; what "
            "they say on it is compared, and enters no result.",
            messages.SUCCESS,
        )

    @admin.display(description="study")
    def study_title(self, query: Query) -> str:
        """Link to the study's front page."""
        url = reverse("study", args=[query.study.public_id])
        return format_html('<a href="{}">{}</a>', url, query.study.title)

    @admin.display(description="responses")
    def responses_of(self, query: Query) -> int:
        """How many there are."""
        return int(getattr(query, "response_count", 0))

    @admin.display(description="answered by")
    def taken(self, query: Query) -> int:
        """How many jurors have finished it."""
        return query.completed_count

    # --- One query ------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the study first; then the query, its options and responses."""
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
                    "title": "Add a query",
                    "studies": choice,
                    "opts": self.opts,
                },
            )
        context = {**(extra_context or {}), "study": study}
        return super().add_view(request, form_url, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The query; if jurors have seen it, what that means."""
        query = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if query is not None:
            context |= {"study": query.study, "fixed": why_query_text_is_fixed(query)}
        return super().change_view(request, object_id, form_url, context)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT002 - Django's
        **kwargs: Any,
    ) -> Any:
        """A form whose new query already knows its study, so that ids are checked in it."""
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

    def save_model(self, request: HttpRequest, obj: Query, form: Any, change: bool) -> None:
        """Add or change the query through its services."""
        actor = acting_user(request)
        if change:
            study_content.change_query(query=obj, actor=actor)
        else:
            study_content.add_query(study=obj.study, query=obj, actor=actor)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool
    ) -> None:
        """Save options and responses through their services."""
        study: Study = form.instance.study
        rows = formset.save(commit=False)  # type: ignore[attr-defined] # an inline formset
        for row in formset.deleted_objects:  # type: ignore[attr-defined] # as above
            study_content.remove_part(study=study, part=row, actor=acting_user(request))
        for row in rows:
            study_content.save_part(study=study, part=row, actor=acting_user(request))
        formset.save_m2m()  # type: ignore[attr-defined] # as above

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Adding another one stays in the same study."""
        if "_addanother" in request.POST:
            self.message_user(
                request, f"Query {obj.external_id} was added. Write the next.", messages.SUCCESS
            )
            return HttpResponseRedirect(f"{request.path}?study={obj.study_id}")
        return super().response_add(request, obj, post_url_continue)

    # --- Removing -------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The queries that would go, and why those stay that jurors have seen."""
        queries = list(objs)
        stays = [
            f"{query.external_id}: {reason}"
            for query in queries
            if (reason := why_query_is_fixed(query))
        ]
        missing = {"query" for query in queries if not self.has_delete_permission(request, query)}
        listed = [f"{query.external_id}: {short(query.text)}" for query in queries]
        return listed, {"queries": len(queries)}, missing, stays

    def delete_model(self, request: HttpRequest, obj: Query) -> None:
        """Remove a query that no juror has seen."""
        study_content.remove_queries(queries=[obj], actor=acting_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """Remove queries that no juror has seen, all or none."""
        study_content.remove_queries(queries=list(queryset), actor=acting_user(request))


class SourcesOfVisibleStudiesFilter(admin.RelatedFieldListFilter):
    """A filter by source that names those of the chosen study, or of all of the user's own."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[Any]:
        """The sources to choose from."""
        sources = Source.objects.filter(study__in=Study.objects.visible_to(acting_user(request)))
        chosen = request.GET.get("source__study__id__exact", "")
        if chosen.isdecimal():
            sources = sources.filter(study_id=int(chosen))
        return [(source.pk, str(source)) for source in sources]


@admin.register(Response)
class ResponseAdmin(PartAdmin):
    """Responses over all queries; new ones are added on the query's page or imported."""

    form = ResponseForm
    change_form_template = "admin/annotations/query_change_form.html"
    list_display = ("external_id", "words", "query_words", "answered_by")
    list_display_links = ("external_id", "words")
    list_filter = (
        ("source__study", VisibleStudiesFilter),
        ("source", SourcesOfVisibleStudiesFilter),
    )
    search_fields = ("external_id", "text")
    ordering = ("id",)
    fields = ("source", "external_id", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        """Responses of the user's own studies.

        By their sources, which are few, and without joins: a list of hundreds of thousands is
        paged through by its primary key alone.
        """
        sources = Source.objects.filter(study__in=Study.objects.visible_to(acting_user(request)))
        return Response.objects.filter(source__in=sources).prefetch_related(
            "query__study", "source"
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A response is added on its query's page."""
        return False

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Sources of the same study."""
        match = request.resolver_match
        if db_field.name == "source" and match is not None and "object_id" in match.kwargs:
            kwargs["queryset"] = Source.objects.filter(
                study__queries__responses=match.kwargs["object_id"],
                study__in=Study.objects.visible_to(acting_user(request)),
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="response")
    def words(self, response: Response) -> str:
        """The beginning of its text."""
        return short(response.text)

    @admin.display(description="source")
    def answered_by(self, response: Response) -> str:
        """Its source. Named as a field, Django would join every table for it."""
        return str(response.source)

    @admin.display(description="query")
    def query_words(self, response: Response) -> str:
        """Link to the query."""
        url = reverse("admin:annotations_query_change", args=[response.query_id])
        return format_html('<a href="{}">{}</a>', url, short(response.query.text))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The response; if jurors have seen it, what that means."""
        response = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if response is not None:
            context |= {
                "study": response.query.study,
                "query": response.query,
                "fixed": why_response_is_fixed(response),
            }
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Response, form: Any, change: bool) -> None:
        """Change the response through its service."""
        study_content.save_part(study=obj.query.study, part=obj, actor=acting_user(request))

    def delete_model(self, request: HttpRequest, obj: Response) -> None:
        """Remove a response that no juror has seen."""
        study_content.remove_part(study=obj.query.study, part=obj, actor=acting_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Response]) -> None:
        """Remove responses that no juror has seen, all or none."""
        study_content.remove_parts(parts=list(queryset), actor=acting_user(request))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The responses that would go, and why those stay that jurors have seen."""
        responses = list(objs)
        stays = [
            f"{response.external_id}: {reason}"
            for response in responses
            if (reason := why_response_is_fixed(response))
        ]
        missing = {"response" for row in responses if not self.has_delete_permission(request, row)}
        listed = [f"{row.external_id}: {short(row.text)}" for row in responses]
        return listed, {"responses": len(responses)}, missing, stays


@admin.register(Source)
class SourceAdmin(PartAdmin):
    """Sources; new ones are added on the study's page or imported."""

    form = SourceForm
    list_display = ("name", "revision", "kind", "study", "response_total")
    list_filter = (("study", VisibleStudiesFilter), "kind")
    search_fields = ("name", "revision")
    list_select_related = ("study",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Sources of the user's own studies, with the number of their responses."""
        counts = (
            Response.objects.filter(source=OuterRef("pk"))
            .order_by()
            .values("source")
            .annotate(count=Count("pk"))
            .values("count")
        )
        return (
            Source.objects.filter(study__in=Study.objects.visible_to(acting_user(request)))
            .select_related("study")
            .annotate(response_count=Coalesce(Subquery(counts), 0))
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A source is added on its study's page."""
        return False

    @admin.display(description="responses", ordering="response_count")
    def response_total(self, source: Source) -> int:
        """How many responses it gave."""
        return int(getattr(source, "response_count", 0))

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        """Change the source through its service."""
        study_content.save_part(study=obj.study, part=obj, actor=acting_user(request))

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        """Remove a source that gave no response."""
        study_content.remove_part(study=obj.study, part=obj, actor=acting_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        """Remove sources that gave no response, all or none."""
        study_content.remove_parts(parts=list(queryset), actor=acting_user(request))
