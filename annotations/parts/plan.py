"""The study itself: consent, jury, features, quotas, questions about the juror, steps."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet

from annotations.models import ProfileQuestion, ProtocolStep, QuizQuestion, Study
from annotations.models.study import LONGEST_ANSWER
from annotations.parts.base import BundleRow, TablePart, cell, check_lengths, joined, set_times
from annotations.ports import Column, ExportOptions, ImportedIds, juror_steps
from annotations.services.bundles import BundleRefused
from juries.domain.quotas import flex_problems
from juries.models import Feature, FeatureValue, Jury, Pool, Quota


class StudyPart:
    """One row: the study, its jury and the pool that the jury was drawn from."""

    name: ClassVar[str] = "study"
    meaning: ClassVar[str] = "The study, its jury and its pool; one row."
    predicted: ClassVar[bool] = False

    _columns: ClassVar[tuple[Column, ...]] = (
        Column("study", "string", "random id of the study"),
        Column("title", "string", "title"),
        Column("slug", "string", "short name in addresses"),
        Column("description", "string", "what it is about"),
        Column("state", "string", "draft, open or closed"),
        Column("is_simulated", "boolean", "the jurors are invented"),
        Column("consent_text", "string", "what a juror agreed to (Markdown)"),
        Column("consent_version", "string", "version of that text"),
        Column("instructions", "string", "what she read before the work (Markdown)"),
        Column("debrief", "string", "what she read after the work (Markdown)"),
        Column("contact", "string", "whom jurors could turn to"),
        Column("licence", "string", "licence of this data set"),
        Column("assignment_mode", "string", "all: everyone gets every query; overlap: some"),
        Column("overlap", "integer", "jurors per query in the mode overlap"),
        Column("queries_per_juror", "integer", "most queries for one juror"),
        Column("lease_minutes", "integer", "how long a query is kept for a juror"),
        Column("order_seed", "string", "seed of the order of queries"),
        Column("next_item", "string", "random, or gain: by expected gain", may_lack=True),
        Column("created_at", "timestamp", "when the study was made"),
        Column("opened_at", "timestamp", "when jurors could begin"),
        Column("closed_at", "timestamp", "when the work ended"),
        Column("quiz_tries", "integer", "tries at each question of the quiz", may_lack=True),
        Column("quiz_must_be_right", "boolean", "asked until it was right", may_lack=True),
        Column("jury", "string", "random id of the jury; empty: none"),
        Column("jury_name", "string", "its name"),
        Column("jury_purpose", "string", "what it was convened for"),
        Column("jury_kind", "string", "representative or amplifying"),
        Column("jury_size", "integer", "its size"),
        Column("jury_household_limit", "integer", "most jurors from one household"),
        Column("pool_name", "string", "the pool that it was drawn from"),
        Column("pool_description", "string", "what volunteers read"),
        Column("pool_consent_text", "string", "what volunteers agreed to"),
        Column("pool_consent_version", "string", "version of that text"),
        Column("pool_is_simulated", "boolean", "the pool is invented"),
    )
    _own: ClassVar[tuple[str, ...]] = tuple(
        column.name for column in _columns[1:] if not column.name.startswith(("jury", "pool"))
    )
    _newer: ClassVar[tuple[str, ...]] = ("quiz_tries", "quiz_must_be_right", "next_item")
    _jury: ClassVar[tuple[str, ...]] = ("name", "purpose", "kind", "size", "household_limit")
    _pool: ClassVar[tuple[str, ...]] = (
        "name",
        "description",
        "consent_text",
        "consent_version",
        "is_simulated",
    )

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The table's columns, in order."""
        return self._columns

    def batches(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """The one row."""
        read = Study.objects.using(using).select_related("jury__pool").get(pk=study.pk)
        jury = read.jury
        yield {
            "study": [str(read.public_id)],
            **{name: [getattr(read, name)] for name in self._own},
            "jury": [None if jury is None else str(jury.public_id)],
            **{f"jury_{name}": [jury and getattr(jury, name)] for name in self._jury},
            **{f"pool_{name}": [jury and getattr(jury.pool, name)] for name in self._pool},
        }

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Fill in the study that the import has made, and make its pool and jury."""
        found = list(rows)
        if len(found) != 1:
            raise BundleRefused(f"study: there are {len(found)} rows in place of one.")
        row = BundleRow(table=self.name, number=1, values=found[0], ids=ids)
        for name in self._own:
            if name != "slug" and not (name in self._newer and row[name] is None):
                setattr(study, name, row[name])
        row.one_of("state", Study.State)
        row.one_of("assignment_mode", Study.AssignmentMode)
        if row["next_item"] is not None:
            row.one_of("next_item", Study.NextItem)
        row.given("is_simulated")
        if study.quiz_tries < 1:
            raise row.problem(f"quiz_tries is {study.quiz_tries}, but must be at least 1.")
        check_lengths(row, study)
        if row["jury"] is not None:
            study.jury = self._made_jury(row, study)
        study.save()
        set_times(model=Study, field="created_at", times=[(study.pk, row.given("created_at"))])
        return 1

    def _made_jury(self, row: BundleRow, study: Study) -> Jury:
        pool = Pool(
            slug=f"{study.slug[:60]}-{uuid.uuid4().hex[:8]}",
            created_by=study.created_by,
            **{name: row.given(f"pool_{name}") for name in self._pool},
        )
        check_lengths(row, pool)
        pool.save()
        jury = Jury(
            public_id=row.public_id("jury"),
            pool=pool,
            created_by=study.created_by,
            **{name: row[f"jury_{name}"] for name in self._jury},
        )
        row.one_of("jury_kind", Jury.Kind)
        check_lengths(row, jury)
        jury.save()
        return jury


class FeaturesPart(TablePart[FeatureValue]):
    """Features of the pool and their values."""

    name = "features"
    meaning = "Traits and their values, one row a value."
    model = FeatureValue
    cells = (
        cell("feature", "string", "name of the trait", path="feature__name"),
        cell("question", "string", "as asked at registration", path="feature__question"),
        cell("feature_position", "integer", "order of the traits", path="feature__position"),
        cell("value", "string", "one value of the trait"),
        cell("position", "integer", "order of the values"),
        cell("population_share", "float", "share of the population, 0 to 1; empty: not known"),
    )

    def rows(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> QuerySet[FeatureValue]:
        """Values of the pool's features."""
        return (
            FeatureValue.objects.using(using)
            .filter(feature__pool__juries__studies=study)
            .order_by("feature__position", "feature_id", "position", "id")
        )

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the features of the study's pool, then their values."""
        values = ids.rows.setdefault("feature_values", {})
        features = ids.rows.setdefault("features", {})
        total = 0
        for total, found in enumerate(rows, start=1):
            row = BundleRow(table=self.name, number=total, values=found, ids=ids)
            if study.jury is None:
                raise row.problem("the study has no jury whose pool could have features.")
            name = row.given("feature")
            if name not in features:
                feature = Feature(
                    pool=study.jury.pool,
                    name=name,
                    question=row.given("question"),
                    position=row.count("feature_position"),
                )
                check_lengths(row, feature)
                feature.save()
                features[name] = feature.pk
            value = FeatureValue(
                feature_id=features[name],
                value=row.given("value"),
                position=row.count("position"),
                population_share=row["population_share"],
            )
            check_lengths(row, value)
            if joined(name, value.value) in values:
                raise row.problem(f"{name}: {value.value!r} stands twice.")
            value.save()
            values[joined(name, value.value)] = value.pk
        return total


class QuotasPart:
    """Bounds on who may sit."""

    name: ClassVar[str] = "quotas"
    meaning: ClassVar[str] = "Bounds on how many jurors have a value, or a combination of values."
    predicted: ClassVar[bool] = False
    _columns: ClassVar[tuple[Column, ...]] = (
        Column("values", "json", "traits and values that are counted together"),
        Column("minimum", "integer", "at least so many jurors"),
        Column("maximum", "integer", "at most so many jurors"),
        Column(
            "min_flex",
            "integer",
            "how far the minimum may give way if no jury meets all quotas; empty: not said",
            may_lack=True,
        ),
        Column(
            "max_flex",
            "integer",
            "how far the maximum may give way if no jury meets all quotas; empty: not said",
            may_lack=True,
        ),
    )

    def columns(self, *, study: Study) -> tuple[Column, ...]:
        """The table's columns, in order."""
        return self._columns

    def batches(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """All quotas of the jury."""
        quotas = list(
            Quota.objects.using(using)
            .filter(jury__studies=study)
            .prefetch_related("feature_values__feature")
            .order_by("id")
        )
        if quotas:
            yield {
                "values": [
                    {one.feature.name: one.value for one in quota.feature_values.all()}
                    for quota in quotas
                ],
                "minimum": [quota.minimum for quota in quotas],
                "maximum": [quota.maximum for quota in quotas],
                "min_flex": [quota.flexible_minimum for quota in quotas],
                "max_flex": [quota.flexible_maximum for quota in quotas],
            }

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the quotas of the study's jury."""
        known = ids.rows.get("feature_values", {})
        total = 0
        for total, found in enumerate(rows, start=1):
            row = BundleRow(table=self.name, number=total, values=found, ids=ids)
            chosen = row.given("values")
            if study.jury is None or not isinstance(chosen, dict) or not chosen:
                raise row.problem("a quota needs a jury, and traits with their values.")
            keys = [joined(str(name), str(value)) for name, value in chosen.items()]
            unknown = [key for key in keys if key not in known]
            if unknown:
                raise row.problem(f"{unknown[0]!r} is not in features.")
            primary = sorted(known[key] for key in keys)
            bounds = (row.count("minimum"), row.count("maximum"))
            flexible = (row.maybe_count("min_flex"), row.maybe_count("max_flex"))
            crossed = flex_problems(bounds=bounds, flexible=flexible)
            if crossed:
                raise row.problem(crossed[0])
            quota = Quota.objects.create(
                jury=study.jury,
                key=quota_key(primary),
                minimum=bounds[0],
                maximum=bounds[1],
                flexible_minimum=flexible[0],
                flexible_maximum=flexible[1],
            )
            quota.feature_values.set(primary)
        return total


def quota_key(values: Sequence[int]) -> str:
    """The key of a quota: ids of its values in ascending order."""
    return ",".join(str(value) for value in sorted(values))


class ProfileQuestionsPart(TablePart[ProfileQuestion]):
    """Questions about the juror herself."""

    name = "profile_questions"
    meaning = "Questions about the juror herself, asked once."
    model = ProfileQuestion
    id_columns = ("question",)
    cells = (
        cell("question", "string", "its key", path="key"),
        cell("text", "string", "as asked"),
        cell("kind", "string", "choice, text or number"),
        cell("options", "json", "what could be chosen"),
        cell("is_required", "boolean", "had to be answered"),
        cell("position", "integer", "order of the questions"),
    )

    def rows(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> QuerySet[ProfileQuestion]:
        """The study's questions."""
        return ProfileQuestion.objects.using(using).filter(study=study).order_by("position", "id")

    def build(self, *, row: BundleRow, study: Study) -> ProfileQuestion:
        """One question."""
        return ProfileQuestion(
            study=study,
            key=row.given("question"),
            text=row.given("text"),
            kind=row.one_of("kind", ProfileQuestion.Kind),
            options=row.given("options"),
            is_required=row.given("is_required"),
            position=row.count("position"),
        )


class QuizQuestionsPart(TablePart[QuizQuestion]):
    """Questions about the instructions."""

    name = "quiz_questions"
    meaning = "Questions about the instructions, put before the work, with the right answers."
    model = QuizQuestion
    id_columns = ("question",)
    cells = (
        cell("question", "string", "its key", path="key"),
        cell("text", "string", "as asked"),
        cell("options", "json", "what could be chosen"),
        cell("right", "string", "the right answer, one of the options"),
        cell("explanation", "string", "shown after a wrong answer (Markdown)"),
        cell("position", "integer", "order of the questions"),
    )

    def rows(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> QuerySet[QuizQuestion]:
        """The study's questions."""
        found = QuizQuestion.objects.using(using).filter(study=study).order_by("position", "id")
        return found if options.include_quiz else found.none()

    def build(self, *, row: BundleRow, study: Study) -> QuizQuestion:
        """One question, whose right answer can be chosen."""
        options = row.given("options")
        if not isinstance(options, list) or row.given("right") not in options:
            raise row.problem(f"right is {row['right']!r}, which is not among the options.")
        if any(len(str(option)) > LONGEST_ANSWER for option in options):
            raise row.problem(f"an option has more than {LONGEST_ANSWER} characters.")
        return QuizQuestion(
            study=study,
            key=row.given("question"),
            text=row.given("text"),
            options=options,
            right=row.given("right"),
            explanation=row.given("explanation"),
            position=row.count("position"),
        )


class StepsPart(TablePart[ProtocolStep]):
    """The steps of the work on a query."""

    name = "steps"
    meaning = "What jurors were asked on each query, in order."
    model = ProtocolStep
    id_columns = ("step",)
    cells = (
        cell("step", "string", "kind of step", path="kind"),
        cell("position", "integer", "order of the steps"),
        cell("is_required", "boolean", "had to be taken"),
        cell("prompt", "string", "the question above it; the usual one if empty"),
        cell("allows_ties", "boolean", "a ranking: places could be shared", may_lack=True),
    )

    def rows(
        self,
        *,
        study: Study,
        options: ExportOptions,
        using: str,
    ) -> QuerySet[ProtocolStep]:
        """The study's steps."""
        return ProtocolStep.objects.using(using).filter(study=study).order_by("position", "id")

    def build(self, *, row: BundleRow, study: Study) -> ProtocolStep:
        """One step."""
        kind = row.given("step")
        if kind not in juror_steps():
            raise row.problem(f"step is {kind!r}; known: {', '.join(juror_steps())}.")
        return ProtocolStep(
            study=study,
            kind=kind,
            position=row.count("position"),
            is_required=row.given("is_required"),
            prompt=row.given("prompt"),
            allows_ties=bool(row["allows_ties"]),
        )
