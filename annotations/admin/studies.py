"""The study in the admin: everything that jurors will meet, on one page."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from annotations.admin.access import OwnersRights, StudyRights, StudyScopedAdmin, acting_user, may
from annotations.forms.study import StudyForm, StudyRoleForm, StudyRoleFormSet
from annotations.forms.study_parts import (
    CriterionForm,
    ProfileQuestionForm,
    ProtocolStepForm,
    QuizQuestionForm,
    SourceForm,
)
from annotations.models import (
    Criterion,
    Participation,
    ProfileQuestion,
    ProtocolStep,
    QuizQuestion,
    Source,
    Study,
    StudyRole,
)
from annotations.permissions import can_edit_study, can_own_study, can_see_quiz_answers
from annotations.selectors.checklist import opening_checklist
from annotations.selectors.studies import juries_to_ask
from annotations.services import studies as services
from annotations.services.study_content import remove_part, save_part
from juries.models import User

LONG: Mapping[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.TextField: {"widget": forms.Textarea(attrs={"rows": 8, "cols": 80})}
}


class ProfileQuestionInline(StudyRights, admin.StackedInline[ProfileQuestion, Study]):
    """Questions about the juror herself, asked once."""

    model = ProfileQuestion
    form = ProfileQuestionForm
    extra = 0
    fields = (("position", "key"), "text", "kind", "options", "is_required")


class QuizQuestionInline(StudyRights, admin.StackedInline[QuizQuestion, Study]):
    """Questions about the instructions, put before the work."""

    model = QuizQuestion
    form = QuizQuestionForm
    extra = 0
    verbose_name_plural = "comprehension quiz"
    fields = (("position", "key"), "text", "options", "right", "explanation")
    formfield_overrides = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "cols": 80})}
    }

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """The right answer and what explains it only for who may see them."""
        if obj is None or obj.pk is None or may(request, can_see_quiz_answers, obj):
            return list(self.fields)
        return [name for name in self.fields if name not in ("right", "explanation")]


class CriterionInline(StudyRights, admin.StackedInline[Criterion, Study]):
    """What is rated, and on which scale."""

    model = Criterion
    form = CriterionForm
    extra = 0
    fields = (
        ("position", "key", "name"), "question", ("scale_kind", "allows_cant_say"),
        ("low", "high", "step"), ("low_label", "high_label"), "labels",
    )  # fmt: skip


class ProtocolStepInline(StudyRights, admin.TabularInline[ProtocolStep, Study]):
    """The steps of the work on a query, in order."""

    model = ProtocolStep
    form = ProtocolStepForm
    extra = 0


class SourceInline(StudyRights, admin.TabularInline[Source, Study]):
    """Who or what answered; jurors are never told."""

    model = Source
    form = SourceForm
    extra = 0
    show_change_link = True
    fields = ("name", "revision", "kind")


class StudyRoleInline(OwnersRights, admin.TabularInline[StudyRole, Study]):
    """Who may do what with this study."""

    model = StudyRole
    form = StudyRoleForm
    formset = StudyRoleFormSet  # type: ignore[assignment] # its forms are StudyRoleForm
    extra = 0
    verbose_name_plural = "researchers and their roles"

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Members of staff alone can be given a role."""
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(is_active=True, is_staff=True).order_by(
                "username"
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Study)
class StudyAdmin(StudyScopedAdmin[Study]):
    """A study: consent, questions, instructions, steps, criteria, sources, roles."""

    form = StudyForm
    change_form_template = "admin/annotations/study_change_form.html"
    list_display = (
        "title", "state", "jury", "query_count", "joined", "finished", "created_at", "front_page",
    )  # fmt: skip
    list_filter = ("state", "is_simulated")
    search_fields = ("title", "slug")
    list_select_related = ("jury",)
    show_full_result_count = False
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = ("state", "query_count", "opened_at", "closed_at", "created_by")
    formfield_overrides = LONG
    fieldsets = (
        (None, {"fields": ("title", "slug", "description", "jury", "is_simulated")}),
        (
            "Where it stands",
            {"fields": (("state", "query_count"), ("opened_at", "closed_at"), "created_by")},
        ),
        ("Consent", {"fields": ("consent_text", "consent_version", "contact")}),
        (
            "Instructions",
            {
                "fields": ("instructions", ("quiz_tries", "quiz_must_be_right")),
                "description": "A short quiz on them can stand before the work: its questions are "
                "further down, under Comprehension quiz.",
            },
        ),
        ("Debrief", {"fields": ("debrief", "completion_code", "licence")}),
        (
            "Who gets which queries",
            {
                "fields": (
                    "assignment_mode",
                    ("overlap", "queries_per_juror"),
                    ("lease_minutes", "order_seed"),
                    "next_item",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """The user's own studies, with how many jurors have come and finished."""
        finished = Participation.State.FINISHED
        return (
            Study.objects.visible_to(acting_user(request))
            .annotate(
                joined_count=Count("participations"),
                finished_count=Count("participations", filter=Q(participations__state=finished)),
            )
            .select_related("jury")
        )

    def get_inlines(self, request: HttpRequest, obj: Study | None) -> list[Any]:
        """Roles stand with a study that exists; whoever makes one owns it."""
        inlines = [
            ProfileQuestionInline,
            QuizQuestionInline,
            ProtocolStepInline,
            CriterionInline,
            SourceInline,
        ]
        return inlines if obj is None else [*inlines, StudyRoleInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Owners alone."""
        if obj is None or obj.pk is None:
            return super().has_delete_permission(request, obj)
        return may(request, can_own_study, obj)

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Juries that the user manages or made, and those of her own studies."""
        if db_field.name == "jury":
            kwargs["queryset"] = juries_to_ask(user=acting_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # --- The list -------------------------------------------------------------------------------

    @admin.display(description="jurors joined", ordering="joined_count")
    def joined(self, study: Study) -> int:
        """How many jurors have opened it."""
        return int(getattr(study, "joined_count", 0))

    @admin.display(description="finished", ordering="finished_count")
    def finished(self, study: Study) -> int:
        """How many have finished."""
        return int(getattr(study, "finished_count", 0))

    @admin.display(description="front page")
    def front_page(self, study: Study) -> str:
        """Link to the study's front page."""
        return format_html(
            '<a href="{}">who sits, how far</a>', reverse("study", args=[study.public_id])
        )

    # --- One study ------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The study with what it still lacks, above the form."""
        study = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if study is not None and request.method == "GET":
            context |= {
                "study": study,
                "findings": ()
                if study.state == Study.State.OPEN
                else opening_checklist(study=study),
                "may_edit": may(request, can_edit_study, study),
            }
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Study, form: Any, change: bool) -> None:
        """Make or change the study through its services."""
        if change:
            services.change_study(study=obj, actor=acting_user(request))
        else:
            services.create_study(study=obj, owner=acting_user(request))

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool
    ) -> None:
        """Save, add and remove parts and roles through their services."""
        study: Study = form.instance
        actor = acting_user(request)
        rows = formset.save(commit=False)  # type: ignore[attr-defined] # an inline formset
        if getattr(formset, "model", None) is StudyRole:
            for row in rows:
                services.grant_role(study=study, user=row.user, role=row.role, actor=actor)
            for row in formset.deleted_objects:  # type: ignore[attr-defined] # as above
                services.revoke_role(study=study, user=row.user, actor=actor)
        else:
            for row in formset.deleted_objects:  # type: ignore[attr-defined] # as above
                remove_part(study=study, part=row, actor=actor)
            for row in rows:
                save_part(study=study, part=row, actor=actor)
        formset.save_m2m()  # type: ignore[attr-defined] # as above

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """What falls with a study, in numbers; and why it stays, where it does."""
        studies = list(objs)
        to_delete = [f"{study.title}: {study.query_count} queries" for study in studies]
        stays = [
            f"{study.title}: {reason}"
            for study in studies
            if (reason := services.why_study_stays(study))
        ]
        missing = {
            "study"
            for study in studies
            if not self.has_delete_permission(request, study)
        }  # fmt: skip
        return to_delete, {"studies": len(studies)}, missing, stays

    def delete_model(self, request: HttpRequest, obj: Study) -> None:
        """Remove a study that nobody has joined."""
        services.delete_study(study=obj, actor=acting_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> None:
        """Remove studies that nobody has joined."""
        for study in queryset:
            services.delete_study(study=study, actor=acting_user(request))
