"""The desk of pools: import, export, the pool against the population, its people."""

from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from juries.admin.refusing import RefusingAdmin
from juries.admin.rooms import RoomAdmin, Row, acting_user
from juries.forms.pools import PoolFilesForm, PoolForm
from juries.models import Candidate, CandidateContact, Feature, FeatureValue, Pool, User
from juries.selectors.pool_files import (
    categories_csv,
    codes_csv,
    population_csv,
    respondents_csv,
)
from juries.selectors.pools import ValueCount, pool_against_population
from juries.services import invitations, pool_imports, pools, uploads
from juries.tasks import enqueue_run

IMAGINED_JURY = 40


class PoolPartsAdmin(RefusingAdmin[Row]):
    """A pool or a feature, with what hangs on it; all of it is saved by services."""

    refusals = (pools.PoolRefused,)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: BaseFormSet[Any], change: bool
    ) -> None:
        """Save features or values through their services."""
        actor = _signed_in(request)
        rows = formset.save(commit=False)  # type: ignore[attr-defined] # an inline formset
        for row in formset.deleted_objects:  # type: ignore[attr-defined] # as above
            _remove(row, actor)
        for row in rows:
            _save(row, actor)


def _signed_in(request: HttpRequest) -> User:
    """The signed-in user; the admin has asked for her rights on the model."""
    assert isinstance(request.user, User)
    return request.user


def _save(row: Feature | FeatureValue, actor: User) -> None:
    if isinstance(row, Feature):
        pools.save_feature(feature=row, actor=actor)
    else:
        pools.save_value(value=row, actor=actor)


def _remove(row: Feature | FeatureValue, actor: User) -> None:
    if isinstance(row, Feature):
        pools.remove_feature(feature=row, actor=actor)
    else:
        pools.remove_value(value=row, actor=actor)


class FeatureInline(admin.TabularInline[Feature, Pool]):
    """A pool's features; each has a page of its own for its values."""

    model = Feature
    extra = 0
    show_change_link = True


class FeatureValueInline(admin.TabularInline[FeatureValue, Feature]):
    """A feature's values with their population shares."""

    model = FeatureValue
    extra = 1


@admin.register(Feature)
class FeatureAdmin(PoolPartsAdmin[Feature]):
    """A feature, with its values and their population shares."""

    list_display = ("name", "pool", "question", "position")
    list_filter = ("pool",)
    list_select_related = ("pool",)
    search_fields = ("name",)
    inlines = (FeatureValueInline,)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Feature | None = None
    ) -> tuple[str, ...]:
        """A feature stays in its pool: those who have it are in that one."""
        return ("pool",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Feature, form: Any, change: bool) -> None:
        """Add or change the feature through its service."""
        _save(obj, _signed_in(request))

    def delete_model(self, request: HttpRequest, obj: Feature) -> None:
        """Remove a feature that nobody has."""
        _remove(obj, _signed_in(request))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Feature]) -> None:
        """Remove features that nobody has, all or none."""
        for feature in queryset:
            _remove(feature, _signed_in(request))


@dataclass(frozen=True)
class ImaginedSeats:
    """A value's seats if a jury were filled from the pool by chance alone, and its due.

    `low` and `high` are the population's share of the seats, rounded down and up.
    """

    count: ValueCount
    seats: int
    low: int
    high: int
    target: float | None


def _imagined(count: ValueCount) -> ImaginedSeats:
    due = count.population_share * IMAGINED_JURY if count.population_share is not None else None
    return ImaginedSeats(
        count=count,
        seats=round(count.pool_share * IMAGINED_JURY),
        low=floor(due or 0),
        high=ceil(due or 0),
        target=due,
    )


@admin.register(Pool)
class PoolAdmin(PoolPartsAdmin[Pool], RoomAdmin[Pool]):
    """Pools, with pages for import and for the comparison with the population."""

    change_form_template = "admin/juries/pool_form.html"
    list_display = ("name", "people", "registration", "is_simulated", "created_at", "rooms")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (FeatureInline,)
    form = PoolForm
    fields = pools.EDITABLE

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        """Pools with how many can be drawn."""
        return Pool.objects.annotate(
            people_count=Count("candidates", filter=Q(candidates__state="active"))
        )

    def save_model(self, request: HttpRequest, obj: Pool, form: Any, change: bool) -> None:
        """Make or change the pool through its services."""
        if change:
            pools.change_pool(pool=obj, actor=_signed_in(request))
        else:
            pools.create_pool(pool=obj, actor=acting_user(request))

    @admin.display(description="can be drawn", ordering="people_count")
    def people(self, pool: Any) -> int:
        """How many can be drawn."""
        return int(pool.people_count)

    @admin.display(description="registration")
    def registration(self, pool: Pool) -> str:
        """Link to the registration page where it is open."""
        if not pool.registration_open:
            return "closed"
        return format_html('<a href="{}">open</a>', reverse("pool-register", args=[pool.slug]))

    @admin.display(description="pages")
    def rooms(self, pool: Pool) -> str:
        """Links to the pool's own pages."""
        return format_html(
            '<a href="{}">population</a> · <a href="{}">import</a>',
            reverse("admin:juries_pool_population", args=[pool.pk]),
            reverse("admin:juries_pool_import", args=[pool.pk]),
        )

    def get_urls(self) -> list[URLPattern]:
        """The usual pages, and those of the pool's files."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/import/", wrap(self.import_page), name="juries_pool_import"),
            path("<int:pk>/population/", wrap(self.population_page), name="juries_pool_population"),
            path("<int:pk>/export/<str:file>", wrap(self.export_file), name="juries_pool_export"),
            *super().get_urls(),
        ]

    def population_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who is in the pool, against the population: as if seats were filled by chance alone."""
        pool = self.load(request, pk)
        features = [
            (feature, [_imagined(count) for count in counts])
            for feature, counts in pool_against_population(pool=pool).items()
        ]
        largest = [max(row.seats, row.high) for _, rows in features for row in rows]
        return self.page(
            request,
            "admin/juries/population.html",
            pool,
            f"{pool.name} against the population",
            pool=pool,
            features=features,
            people=pool.candidates.drawable().count(),
            scale=max([1, *largest]),
            imagined=IMAGINED_JURY,
        )  # fmt: skip

    def export_file(self, request: HttpRequest, pk: int, file: str) -> StreamingHttpResponse:
        """One of the CSV files; people only for those who may see identities."""
        pool = self.load(request, pk)
        if file in ("respondents.csv", "codes.csv"):
            if not request.user.has_perm("juries.view_candidatecontact"):
                raise PermissionDenied("Your account may not see who the candidates are.")
            lines = (respondents_csv if file == "respondents.csv" else codes_csv)(pool=pool)
        elif file == "population.csv":
            lines = population_csv(pool=pool)
        else:
            lines = categories_csv(pool=pool)
        return StreamingHttpResponse(
            lines,
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{file}"',
                "Cache-Control": "no-store",
            },
        )

    # --- Import: choose, check, confirm ---------------------------------------------------------

    def import_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Check uploaded files; the report says what importing them would do."""
        pool = self.load(request, pk)
        if "upload" in request.POST:
            return self._import_kept(request, pool, request.POST["upload"])
        form = PoolFilesForm(request.POST or None, request.FILES or None)
        if request.method != "POST" or not form.is_valid():
            status = 400 if request.method == "POST" else 200
            return self._import_form(request, pool, form, status)
        files = form.files_read()
        try:
            report = pool_imports.plan_import(pool=pool, files=files)
        except pool_imports.PoolImportRefused as refusal:
            return self._import_form(request, pool, PoolFilesForm(), 400, refusal=refusal)
        name = uploads.keep_upload(files=files)
        return self._import_form(request, pool, form, 200, report=report, upload=name)

    def _import_kept(self, request: HttpRequest, pool: Pool, name: str) -> HttpResponse:
        actor = acting_user(request)
        try:
            files = uploads.kept_upload(name=name)
            if pool_imports.needs_worker(files=files):
                run = pool_imports.request_import(pool=pool, upload=name, actor=actor)
                enqueue_run(run=run)
                return redirect("run", run.public_id)
            report = pool_imports.import_pool(pool=pool, files=files, actor=actor)
        except pool_imports.PoolImportRefused as refusal:
            return self._import_form(request, pool, PoolFilesForm(), 400, refusal=refusal)
        except uploads.UploadGone as problem:
            messages.error(request, str(problem))
            return redirect("admin:juries_pool_import", pool.pk)
        uploads.forget_upload(name=name)
        messages.success(request, f"{report.added} added, {report.updated} updated.")
        return redirect("admin:juries_pool_population", pool.pk)

    def _import_form(
        self, request: HttpRequest, pool: Pool, form: PoolFilesForm, status: int, **context: Any
    ) -> HttpResponse:
        return self.page(
            request, "admin/juries/import.html", pool, f"Import into {pool.name}", status,
            pool=pool, form=form, **context,
        )  # fmt: skip


class ContactInline(admin.StackedInline[CandidateContact, Candidate]):
    """Identity; for those who may see it."""

    model = CandidateContact
    extra = 0
    fields = ("name", "email", "confirmed_at")
    readonly_fields = fields
    can_delete = False


@admin.register(Candidate)
class CandidateAdmin(admin.ModelAdmin[Candidate]):
    """The people of a pool. They come by import or registration and leave by withdrawing."""

    list_display = ("external_id", "pool", "state", "origin", "created_at")
    list_filter = ("state", "origin", "pool")
    list_select_related = ("pool",)
    search_fields = ("external_id", "public_id")
    show_full_result_count = False
    inlines = (ContactInline,)
    actions = ("withdraw",)
    readonly_fields = (
        "pool", "external_id", "public_id", "state", "origin", "household", "consented_at",
        "consent_version", "created_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only by import or registration, with consent."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Candidate | None = None) -> bool:
        """Withdrawing erases the person and keeps the draws whole."""
        return False

    @admin.action(description="Withdraw: erase name, address and household", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Candidate]) -> None:
        """Erase the ticked people; what jurors among them said is kept."""
        actor = acting_user(request)
        for candidate in queryset:
            invitations.withdraw_candidate(candidate=candidate, erase_said=False, actor=actor)
        self.message_user(request, f"{len(queryset)} withdrawn; their names are erased.")
