"""Importing a pool from the field's CSV files: all of it, or nothing with a report by row."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from juries.domain.pool_files import (
    CategoriesFile,
    InvalidPoolFile,
    Respondent,
    RespondentsFile,
    RowError,
    RowErrorCode,
    parse_categories,
    parse_respondents,
)
from juries.models import (
    Candidate,
    CandidateContact,
    CandidateTrait,
    Feature,
    FeatureValue,
    Jury,
    Pool,
    Run,
    User,
)
from juries.services import pools
from juries.services.audit import record_act
from juries.services.bulk import write_rows
from juries.services.contacts import email_key
from juries.services.population_file import Shares, parse_population
from juries.services.quotas import WantedQuota, set_quotas
from juries.services.runs import RunContext, RunRefused, request_run
from juries.services.uploads import PoolFiles, UploadGone, forget_upload, kept_upload

__all__ = [
    "KIND",
    "ImportReport",
    "PoolFiles",
    "PoolImportRefused",
    "create_pool",
    "import_pool",
    "import_quotas",
    "needs_worker",
    "perform_import",
    "plan_import",
    "request_import",
]

KIND = "juries.import_pool"
ROWS_AT_A_TIME = 2000
DIRECT_ROWS = 5000
"""A file of respondents with more lines than that is imported by a worker."""

ACTIVE = str(Candidate.State.ACTIVE)
IMPORTED = str(Candidate.Origin.IMPORT)
SIMULATED_IDS = uuid.UUID("5d0f6f0b-6f2a-4c56-9d8a-0a6f4f0f8a11")
"""Names public ids of invented people, so that a demonstration draws the same ones anywhere."""

Item = TypeVar("Item")


class PoolImportRefused(Exception):
    """The files can't be imported; nothing was.

    Attributes:
        errors: what is wrong, by file and row.
        omitted: how many more errors were only counted.
    """

    def __init__(self, errors: Sequence[RowError], omitted: int = 0) -> None:
        first = errors[0]
        more = len(errors) + omitted - 1
        super().__init__(
            f"{first.file}, row {first.row}: {first.message}"
            + (f" (and {more} more)" if more else "")
        )
        self.errors = tuple(errors)
        self.omitted = omitted


@dataclass(frozen=True)
class ImportReport:
    """What an import does, or did.

    `kept` are candidates of the pool who are not in the file; they stay as they are.
    """

    rows: int
    added: int
    updated: int
    kept: int
    features: tuple[str, ...]
    new_values: tuple[str, ...]
    id_column: str
    id_is_first_column: bool
    ignored_columns: tuple[str, ...]
    with_email: int
    with_household: int
    shares: int


@dataclass(frozen=True)
class _Plan:
    categories: CategoriesFile
    respondents: RespondentsFile
    shares: Shares
    known: Mapping[str, int]


def plan_import(*, pool: Pool | None, files: PoolFiles) -> ImportReport:
    """Read the files and say what importing them would do; nothing is written.

    Raises:
        PoolImportRefused: something is wrong with a row.
    """
    return _report(pool, _check(pool, _parse(files)))


@dataclass(frozen=True)
class _Parsed:
    categories: CategoriesFile
    respondents: RespondentsFile | None
    shares: Shares
    errors: tuple[RowError, ...]
    omitted: int


def _parse(files: PoolFiles) -> _Parsed:
    """Read the files, with no eye to the database."""
    try:
        categories = parse_categories(content=files.categories)
    except InvalidPoolFile as problem:
        raise PoolImportRefused(problem.errors, problem.omitted) from problem
    errors: list[RowError] = []
    omitted = 0
    respondents: RespondentsFile | None = None
    try:
        respondents = parse_respondents(content=files.respondents, categories=categories)
    except InvalidPoolFile as problem:
        errors.extend(problem.errors)
        omitted = problem.omitted
    shares: Shares = {}
    if files.population is not None:
        shares, problems = parse_population(content=files.population, categories=categories)
        errors.extend(problems)
    return _Parsed(categories, respondents, shares, tuple(errors), omitted)


def _check(pool: Pool | None, parsed: _Parsed) -> _Plan:
    """Hold what was read against what stands in the pool."""
    errors = list(parsed.errors)
    known: dict[str, int] = {}
    if pool is not None:
        known = dict(pool.candidates.values_list("external_id", "pk"))
        errors.extend(_missing_features(pool, parsed.categories))
    if parsed.respondents is not None:
        errors.extend(_email_errors(pool, parsed.respondents))
    if errors or parsed.respondents is None:
        raise PoolImportRefused(errors, parsed.omitted)
    return _Plan(parsed.categories, parsed.respondents, parsed.shares, known)


def _missing_features(pool: Pool, categories: CategoriesFile) -> Iterator[RowError]:
    given = {feature for feature, _ in categories.features}
    for feature in pool.features.exclude(name__in=given):
        yield RowError(
            "categories.csv", 1, feature.name, "", RowErrorCode.MISSING_COLUMN,
            f"The pool has the feature {feature.name!r} and the file doesn't; a candidate needs a "
            "value of every feature.",
        )  # fmt: skip


def _email_errors(pool: Pool | None, respondents: RespondentsFile) -> Iterator[RowError]:
    """Addresses that would belong to two candidates after the import."""
    rewritten = {row.id for row in respondents.rows if row.email}
    owners: dict[str, str] = {}
    if pool is not None:
        contacts = pool.contacts.exclude(email_key="").values_list(
            "email_key", "candidate__external_id"
        )
        owners = {key: owner for key, owner in contacts.iterator() if owner not in rewritten}
    for row in respondents.rows:
        key = email_key(row.email)
        if key and key in owners:
            yield RowError(
                "respondents.csv", row.row, respondents.email_column or "email", row.email,
                RowErrorCode.REPEATED_ID,
                f"The address of {row.id!r} is also that of {owners[key]!r}; one person may stand "
                "in a pool once.",
            )  # fmt: skip
        elif key:
            owners[key] = row.id


def _report(pool: Pool | None, plan: _Plan) -> ImportReport:
    rows = plan.respondents.rows
    updated = sum(1 for row in rows if row.id in plan.known)
    have: set[tuple[str, str]] = set()
    if pool is not None:
        have = set(
            FeatureValue.objects.filter(feature__pool=pool).values_list("feature__name", "value")
        )
    return ImportReport(
        rows=len(rows),
        added=len(rows) - updated,
        updated=updated,
        kept=len(plan.known) - updated,
        features=tuple(feature for feature, _ in plan.categories.features),
        new_values=tuple(
            f"{feature}: {value.value}"
            for feature, values in plan.categories.features
            for value in values
            if (feature, value.value) not in have
        ),
        id_column=plan.respondents.id_column,
        id_is_first_column=plan.respondents.id_is_first_column,
        ignored_columns=plan.respondents.ignored_columns,
        with_email=sum(1 for row in rows if row.email),
        with_household=sum(1 for row in rows if row.household),
        shares=len(plan.shares),
    )


def needs_worker(*, files: PoolFiles) -> bool:
    """The files are too long to be imported while somebody waits for the page."""
    return files.respondents.count(b"\n") > DIRECT_ROWS


@transaction.atomic
def create_pool(
    *, name: str, slug: str = "", simulated: bool = False, actor: User | None = None
) -> Pool:
    """Make an empty pool with an address of its own."""
    pool = Pool(name=name, slug=pools.free_slug(wanted=slug or name), is_simulated=simulated)
    return pools.create_pool(pool=pool, actor=actor)


def import_pool(*, pool: Pool, files: PoolFiles, actor: User | None = None) -> ImportReport:
    """Add the people of the files to a pool, and update those who are there by their id.

    Nobody is removed; a blank contact or household doesn't erase what is known. The files are read
    before the transaction begins.

    Raises:
        PoolImportRefused: something is wrong with a row; nothing was imported.
    """
    return _write(pool=pool, parsed=_parse(files), actor=actor)


@transaction.atomic
def _write(*, pool: Pool, parsed: _Parsed, actor: User | None) -> ImportReport:
    Pool.objects.select_for_update().get(pk=pool.pk)
    plan = _check(pool, parsed)
    report = _report(pool, plan)
    values = _write_features(pool, plan)
    rows = plan.respondents.rows
    _write_people(pool, [row for row in rows if row.household or row.id not in plan.known])
    known = dict(pool.candidates.values_list("external_id", "pk"))
    for batch in _batches(rows, ROWS_AT_A_TIME):
        _write_traits(batch, plan.respondents.columns, known, values)
    if report.with_email or plan.respondents.name_column:
        _release_addresses(pool, plan)
        _write_contacts(pool, rows, known)
    record_act(
        actor=actor,
        verb="imported candidates",
        subject=pool,
        details={"added": report.added, "updated": report.updated, "kept": report.kept},
    )
    return report


def _batches(rows: Sequence[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _write_features(pool: Pool, plan: _Plan) -> dict[tuple[str, str], FeatureValue]:
    values: dict[tuple[str, str], FeatureValue] = {}
    for position, (name, file_values) in enumerate(plan.categories.features):
        feature, _ = Feature.objects.get_or_create(
            pool=pool, name=name, defaults={"position": position}
        )
        for rank, file_value in enumerate(file_values):
            value, _ = FeatureValue.objects.get_or_create(
                feature=feature, value=file_value.value, defaults={"position": rank}
            )
            share = plan.shares.get((name, file_value.value))
            if share is not None and value.population_share != share:
                value.population_share = share
                value.save(update_fields=["population_share"])
            values[name, file_value.value] = value
    return values


def _release_addresses(pool: Pool, plan: _Plan) -> None:
    """Let go of addresses that the file moves, so that two people may swap theirs."""
    wanted = {row.id: email_key(row.email) for row in plan.respondents.rows if row.email}
    moved = [
        pk
        for pk, key, owner in pool.contacts.exclude(email_key="").values_list(
            "pk", "email_key", "candidate__external_id"
        )
        if owner in wanted and wanted[owner] != key
    ]
    for batch in _batches(moved, ROWS_AT_A_TIME):
        CandidateContact.objects.filter(pk__in=batch).update(email_key="")


def _write_people(pool: Pool, rows: Sequence[Respondent]) -> None:
    """Add who is new; of the others only the household changes."""
    now = timezone.now()
    for batch in _batches(rows, ROWS_AT_A_TIME):
        write_rows(
            model=Candidate,
            columns=(
                "pool_id", "public_id", "external_id", "state", "origin", "household",
                "consented_at", "consent_version", "created_at",
            ),
            rows=[
                (
                    pool.pk, _public_id(pool, row.id), row.id, ACTIVE, IMPORTED, row.household,
                    now, "import", now,
                )
                for row in batch
            ],
            unique=("pool_id", "external_id"),
            update=("household",),
        )  # fmt: skip


def _public_id(pool: Pool, external_id: str) -> uuid.UUID:
    """Random; for invented people named after their id, so that a demonstration can be repeated."""
    if pool.is_simulated:
        return uuid.uuid5(SIMULATED_IDS, f"{pool.slug}/{external_id}")
    return uuid.uuid4()


def _write_traits(
    batch: Sequence[Respondent],
    columns: Sequence[str],
    known: Mapping[str, int],
    values: Mapping[tuple[str, str], FeatureValue],
) -> None:
    keys = {trait: (value.feature_id, value.pk) for trait, value in values.items()}
    write_rows(
        model=CandidateTrait,
        columns=("candidate_id", "feature_id", "feature_value_id"),
        rows=[
            (known[row.id], *keys[feature, value])
            for row in batch
            for feature, value in zip(columns, row.values, strict=True)
        ],
        unique=("candidate_id", "feature_id"),
        update=("feature_value_id",),
    )


def _write_contacts(pool: Pool, rows: Sequence[Respondent], known: Mapping[str, int]) -> None:
    now = timezone.now()
    before = {
        candidate_id: (name, email)
        for candidate_id, name, email in pool.contacts.values_list("candidate_id", "name", "email")
    }
    contacts: list[tuple[object, ...]] = []
    for row in rows:
        if row.email or row.name:
            old_name, old_email = before.get(known[row.id], ("", ""))
            email = row.email or old_email
            contacts.append(
                (known[row.id], pool.pk, row.name or old_name, email, email_key(email), "", now)
            )
    for batch in _batches(contacts, ROWS_AT_A_TIME):
        write_rows(
            model=CandidateContact,
            columns=(
                "candidate_id", "pool_id", "name", "email", "email_key", "confirmation_hash",
                "confirmed_at",
            ),
            rows=batch,
            unique=("candidate_id",),
            update=("name", "email", "email_key"),
        )  # fmt: skip


@transaction.atomic
def import_quotas(*, jury: Jury, categories: bytes, actor: User | None = None) -> int:
    """Set a jury's quotas on single values from the bounds of a categories.csv, with how far they
    may give way if the file says so. Combinations stay.

    Raises:
        PoolImportRefused: a row is wrong, or names a value that the pool doesn't have.
    """
    try:
        parsed = parse_categories(content=categories)
    except InvalidPoolFile as problem:
        raise PoolImportRefused(problem.errors, problem.omitted) from problem
    ids = {
        (value.feature.name, value.value): value.pk
        for value in FeatureValue.objects.filter(feature__pool=jury.pool).select_related("feature")
    }
    wanted: list[WantedQuota] = []
    errors: list[RowError] = []
    row = 1
    for feature, values in parsed.features:
        for value in values:
            row += 1
            pk = ids.get((feature, value.value))
            if pk is None:
                errors.append(
                    RowError(
                        "categories.csv",
                        row,
                        "name",
                        value.value,
                        RowErrorCode.UNKNOWN_VALUE,
                        f"The pool has no {feature}: {value.value}.",
                    )
                )
            else:
                wanted.append(
                    WantedQuota(
                        (pk,),
                        value.minimum,
                        value.maximum,
                        value.flexible_minimum,
                        value.flexible_maximum,
                    )
                )
    if errors:
        raise PoolImportRefused(errors)
    combined = [
        WantedQuota.of(quota, value_ids=quota.feature_values.values_list("pk", flat=True))
        for quota in jury.quotas.all()
        if "," in quota.key
    ]
    set_quotas(jury=jury, quotas=[*wanted, *combined], actor=actor)
    return len(wanted)


# --- Large files, as a Run --------------------------------------------------------------------


def request_import(*, pool: Pool, upload: str, actor: User | None = None) -> Run:
    """Ask for files that were kept (`juries.services.uploads`) to be imported."""
    return request_run(
        kind=KIND,
        title=f"Import into {pool.name}",
        parameters={"pool": pool.pk, "upload": upload},
        requested_by=actor,
        page_path=reverse("admin:juries_pool_population", args=[pool.pk]),
    )


def perform_import(context: RunContext) -> Mapping[str, Any]:
    """Import kept files.

    Raises:
        RunRefused: a row is wrong, or the files are gone.
    """
    run = context.run
    pool = Pool.objects.get(pk=run.parameters["pool"])
    try:
        files = kept_upload(name=str(run.parameters["upload"]))
        context.log("reading and writing; nothing is visible before all of it is done")
        report = import_pool(pool=pool, files=files, actor=run.requested_by)
    except (PoolImportRefused, UploadGone) as problem:
        raise RunRefused(str(problem)) from problem
    forget_upload(name=str(run.parameters["upload"]))
    context.progress(report.rows, report.rows, "imported")
    return {"added": report.added, "updated": report.updated, "kept": report.kept}
