"""Reward models in the admin: to look at, not to change."""

from django.contrib import admin
from django.http import HttpRequest

from models_runner.models import RewardTraining


@admin.register(RewardTraining)
class RewardTrainingAdmin(admin.ModelAdmin[RewardTraining]):
    """Trainings with their verdicts; made and repeated on the study's page of models."""

    list_display = ("study", "criterion", "method", "is_usable", "stale_since", "created_at")
    list_filter = ("method", "is_usable")
    list_select_related = ("study", "criterion")
    search_fields = ("study__title", "criterion__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Trainings come from Runs."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: RewardTraining | None = None
    ) -> bool:
        """What a Run has found stays as it is."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: RewardTraining | None = None
    ) -> bool:
        """A record of what was done is kept."""
        return False
