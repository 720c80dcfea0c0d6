"""The declared rules of windows, and the snapshots taken under them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from annotations.admin.access import VisibleStudiesFilter, acting_user, may
from annotations.models import Study
from annotations.permissions import can_edit_study
from overton.admin.desk import DeskAdmin, ReadOnlyDesk
from overton.forms import WindowRuleForm
from overton.models import WindowRule, WindowSnapshot
from overton.services.windows import RuleRefused, set_window_rule


@admin.register(WindowRule)
class WindowRuleAdmin(DeskAdmin[WindowRule]):
    """When an answer counts as correct, reasonable or unreasonable; one rule a study."""

    form = WindowRuleForm
    list_display = (
        *("study", "correct_share", "reasonable_share", "confidence", "group_minimum"),
        "groups",
    )
    list_filter = (("study", VisibleStudiesFilter),)
    list_select_related = ("study",)
    fields = (
        *("study", "correct_share", "reasonable_share", "confidence"),
        *("group_minimum", "group_features"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WindowRule]:
        """Rules of the studies in which the user has a role."""
        studies = Study.objects.visible_to(acting_user(request))
        return WindowRule.objects.filter(study__in=studies)

    def get_readonly_fields(
        self, request: HttpRequest, obj: WindowRule | None = None
    ) -> tuple[str, ...]:
        """A rule stays with its study."""
        return () if obj is None else ("study",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Studies in which the user has a role and that have no rule yet."""
        if db_field.name == "study":
            studies = Study.objects.visible_to(acting_user(request))
            kwargs["queryset"] = studies.filter(window_rule__isnull=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """The form, offering the features of the jury's pool."""
        studies = Study.objects.visible_to(acting_user(request))
        if obj is not None:
            studies = studies.filter(pk=obj.study_id)
        kwargs["form"] = type("OfferedRuleForm", (WindowRuleForm,), {"studies": studies})
        return super().get_form(request, obj, change=change, **kwargs)

    def save_model(self, request: HttpRequest, obj: WindowRule, form: Any, change: bool) -> None:
        """Hand over to the service."""
        if not may(request, can_edit_study, obj.study):
            raise RuleRefused("Only the study's owner and editors may declare its rule.")
        made = set_window_rule(
            study=obj.study,
            correct_share=obj.correct_share,
            reasonable_share=obj.reasonable_share,
            confidence=obj.confidence,
            group_minimum=obj.group_minimum,
            group_features=form.cleaned_data["group_features"],
            actor=acting_user(request),
        )
        obj.pk = made.pk

    @admin.display(description="groups")
    def groups(self, rule: WindowRule) -> str:
        """The features whose values are groups."""
        return ", ".join(rule.group_features) or "the whole jury"


@admin.register(WindowSnapshot)
class WindowSnapshotAdmin(ReadOnlyDesk[WindowSnapshot]):
    """What the rule gave at a moment; taken on a study's windows page."""

    list_display = ("created_at", "study", "digest", "software_version", "stale_since", "file")
    list_filter = (("study", VisibleStudiesFilter),)
    list_select_related = ("study",)
    fields = ("study", "created_at", "stale_since", "input_digest", "software_version", "rule")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WindowSnapshot]:
        """Those of the studies in which the user has a role, without their results."""
        studies = Study.objects.visible_to(acting_user(request))
        return WindowSnapshot.objects.filter(study__in=studies).defer("result")

    @admin.display(description="digest")
    def digest(self, snapshot: WindowSnapshot) -> str:
        """The beginning of the digest of what was said."""
        return snapshot.input_digest[:12]

    @admin.display(description="file")
    def file(self, snapshot: WindowSnapshot) -> str:
        """The whole snapshot as JSON."""
        address = reverse(
            "study-window-snapshot-file", args=[snapshot.study.public_id, snapshot.public_id]
        )
        return format_html('<a href="{}" download>JSON</a>', address)
