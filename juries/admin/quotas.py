"""The quotas page of a jury: bounds with a live proof that a panel exists, and ways out."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from juries.admin.rooms import RoomAdmin, acting_user
from juries.domain.explanation import BEYOND_FLEX, WITHIN_FLEX, Explanation
from juries.domain.quotas import Quota
from juries.domain.relaxation import Relaxation
from juries.forms.pools import CategoriesForm
from juries.forms.quotas import QuotaInput, TypedRow, read_quotas, with_proposed
from juries.models import Jury
from juries.selectors.pool_files import categories_csv
from juries.selectors.quotas import LIVE_SECONDS, QuotaTable, check_of_quotas, quota_table
from juries.services import pool_imports, quotas

PATIENT_SECONDS = 8.0
"""Time that a check may take when a button asks for it."""

TAKE = "take "


@dataclass(frozen=True)
class WayOut:
    """A relaxation on the page; `action` is what its button posts."""

    relaxation: Relaxation
    action: str


class QuotaPages(RoomAdmin[Jury]):
    """Bounds are typed, proposed, or taken from a file or a relaxation; only *save* keeps them."""

    def quotas_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All feature values with population, pool and bounds; saves, proposes or checks."""
        jury = self.load(request, pk, related=("pool",))
        if request.method != "POST":
            return self._show_quotas(request, jury)
        action = request.POST.get("action", "save")
        if action == "propose":
            return self._propose(request, jury)
        if action == "file":
            return self._take_file(request, jury)
        table = quota_table(jury=jury)
        read = read_quotas(data=request.POST, table=table, size=jury.size)
        if action == "check":
            return self._show_quotas(request, jury, table, read, seconds=PATIENT_SECONDS)
        if action.startswith(TAKE):
            return self._take_relaxation(request, jury, table, read, action.removeprefix(TAKE))
        if not read.errors:
            try:
                quotas.set_quotas(jury=jury, quotas=read.wanted, actor=acting_user(request))
            except quotas.QuotasRefused as refusal:
                read.errors.extend(refusal.problems)
        if read.errors:
            return self._show_quotas(request, jury, table, read, status=400)
        messages.success(request, "The quotas are saved.")
        return redirect("admin:juries_jury_quotas", pk)

    def quotas_check(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The check alone, asked for while bounds are typed."""
        jury = self.load(request, pk, related=("pool",))
        table = quota_table(jury=jury)
        read = read_quotas(data=request.POST, table=table, size=jury.size)
        context = _check_context(jury, table, read, seconds=LIVE_SECONDS)
        return render(request, "admin/juries/_quota_check.html", context)

    def quotas_file(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The quotas on single values as a categories.csv."""
        jury = self.load(request, pk, related=("pool",))
        return HttpResponse(
            "".join(categories_csv(pool=jury.pool, jury=jury)),
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": 'attachment; filename="categories.csv"',
                "Cache-Control": "no-store",
            },
        )

    def _take_relaxation(
        self, request: HttpRequest, jury: Jury, table: QuotaTable, read: QuotaInput, bounds: str
    ) -> HttpResponse:
        if not read.take(bounds):
            read.errors.append("The quotas have changed since this way out was found; check again.")
            return self._show_quotas(request, jury, table, read, status=400)
        messages.info(request, "Taken over into the bounds below; nothing is saved yet.")
        return self._show_quotas(request, jury, table, read)

    def _propose(self, request: HttpRequest, jury: Jury) -> HttpResponse:
        text = request.POST.get("tolerance", "0")
        tolerance = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        table = quota_table(jury=jury)
        try:
            wanted = quotas.quotas_from_population(jury=jury, tolerance=tolerance)
        except quotas.QuotasRefused as refusal:
            stored = _stored_input(table)
            stored.errors.extend(refusal.problems)
            return self._show_quotas(request, jury, table, stored, status=400)
        proposed = {quota.value_ids[0] for quota in wanted}
        left_out = [
            feature.name
            for feature, rows in table.features.items()
            if not any(row.count.value.pk in proposed for row in rows)
        ]
        messages.info(request, "Proposed from the population; nothing is saved yet.")
        if left_out:
            messages.warning(
                request,
                f"Nothing is proposed for {', '.join(left_out)}: population shares are missing.",
            )
        read = read_quotas(data=with_proposed(request.POST, wanted), table=table, size=jury.size)
        return self._show_quotas(request, jury, table, read, seconds=PATIENT_SECONDS)

    def _take_file(self, request: HttpRequest, jury: Jury) -> HttpResponse:
        form = CategoriesForm(request.POST, request.FILES)
        table = quota_table(jury=jury)
        stored = _stored_input(table)
        if not form.is_valid():
            stored.errors.append("Choose a categories.csv first.")
            return self._show_quotas(request, jury, table, stored, status=400)
        try:
            number = pool_imports.import_quotas(
                jury=jury,
                categories=form.cleaned_data["categories"].read(),
                actor=acting_user(request),
            )
        except pool_imports.PoolImportRefused as refusal:
            stored.errors.extend(
                f"{error.file}, row {error.row}: {error.message}" for error in refusal.errors
            )
            return self._show_quotas(request, jury, table, stored, status=400)
        messages.success(request, f"{number} quotas were taken from the file.")
        return redirect("admin:juries_jury_quotas", jury.pk)

    def _show_quotas(
        self,
        request: HttpRequest,
        jury: Jury,
        table: QuotaTable | None = None,
        read: QuotaInput | None = None,
        *,
        status: int = 200,
        seconds: float = LIVE_SECONDS,
    ) -> HttpResponse:
        table = table or quota_table(jury=jury)
        read = read or _stored_input(table)
        typed, nothing = read.typed, TypedRow()
        features = [
            (feature, [(row, typed.get(str(row.count.value.pk), nothing)) for row in rows])
            for feature, rows in table.features.items()
        ]
        combinations = [
            (
                number,
                key := f"c{number}",
                combination,
                typed.get(key, nothing),
                number in read.dropped,
            )
            for number, combination in enumerate(table.combinations)
        ]
        first, second = (*read.new_values, 0, 0)[:2]
        return self.page(
            request,
            "admin/juries/quotas.html",
            jury,
            f"Quotas of {jury.name}",
            status,
            features=features,
            combinations=combinations,
            new_combination=(("People who are", first), ("and", second)),
            new_bounds=typed.get("new", nothing),
            shows_flex=read.states_flex,
            has_shares=any(
                r.expected is not None for rows in table.features.values() for r in rows
            ),
            **_check_context(jury, table, read, seconds=seconds),
        )


def _check_context(
    jury: Jury, table: QuotaTable, read: QuotaInput, *, seconds: float
) -> dict[str, Any]:
    traits = {
        row.count.value.pk: (feature.name, row.count.value.value)
        for feature, rows in table.features.items()
        for row in rows
    }
    bounds = read.as_bounds(traits)
    keys = {
        quota: read.keys[wanted.value_ids]
        for quota, wanted in zip(bounds, read.wanted, strict=True)
    }
    patience = 0.0 if read.errors else seconds
    check = check_of_quotas(jury=jury, quotas=bounds, seconds=patience)
    return {
        "jury": jury,
        "sums": _sums(table, read),
        "errors": read.errors,
        "check": check,
        "ways": _ways(check.explanation, keys) if not read.errors else [],
        "within_flex": WITHIN_FLEX,
        "beyond_flex": BEYOND_FLEX,
    }


def _sums(table: QuotaTable, read: QuotaInput) -> list[dict[str, Any]]:
    bounds = {q.value_ids[0]: q for q in read.wanted if len(q.value_ids) == 1}
    sums = []
    for feature, rows in table.features.items():
        held = [bounds[row.count.value.pk] for row in rows if row.count.value.pk in bounds]
        if held:
            sums.append(
                {
                    "feature": feature,
                    "minimum": sum(quota.minimum for quota in held),
                    "maximum": sum(quota.maximum for quota in held),
                    "is_whole": len(held) == len(rows),
                }
            )
    return sums


def _ways(explanation: Explanation | None, keys: dict[Quota, str]) -> list[WayOut]:
    if explanation is None:
        return []
    return [
        WayOut(
            way,
            TAKE
            + " ".join(
                f"{keys[change.quota]}:{change.minimum}:{change.maximum}" for change in way.changes
            ),
        )
        for way in explanation.relaxations
    ]


def _stored_input(table: QuotaTable) -> QuotaInput:
    """The saved quotas as if they had been typed."""
    single = [
        quotas.WantedQuota.of(row.quota, value_ids=(row.count.value.pk,))
        for rows in table.features.values()
        for row in rows
        if row.quota is not None
    ]
    combined = [
        quotas.WantedQuota.of(combination.quota, value_ids=(v.pk for v in combination.values))
        for combination in table.combinations
    ]
    keys = {q.value_ids: str(q.value_ids[0]) for q in single}
    keys.update((q.value_ids, f"c{number}") for number, q in enumerate(combined))
    wanted = [*single, *combined]
    typed = {keys[q.value_ids]: TypedRow.of(q) for q in wanted}
    return QuotaInput(wanted=wanted, typed=typed, keys=keys)
