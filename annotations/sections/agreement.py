"""How far the jurors agree, and what splits them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.domain.agreement import (
    Agreement,
    Level,
    alpha_by_group,
    item_disagreement,
    krippendorff_alpha,
)
from annotations.figures.agreement import agreement_svg
from annotations.models import Criterion, Study
from annotations.ports import Figure, SectionContent, Table
from annotations.sections.empty import nothing_rated
from annotations.selectors.ratings import (
    UNKNOWN,
    RatingMatrix,
    juror_traits,
    rating_matrix,
    ratings_fingerprint,
    results_rng,
)

RESAMPLES = 500
MOST_SPLIT = 12
LEVELS = {
    Criterion.ScaleKind.LIKERT: Level.ORDINAL,
    Criterion.ScaleKind.SLIDER: Level.INTERVAL,
    Criterion.ScaleKind.YES_NO: Level.NOMINAL,
}
Row = tuple[str, Agreement, bool]


class AgreementSection:
    """Krippendorff's alpha by criterion and group, and the responses that split the jury."""

    key = "agreement"
    title = "Where they agree"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every rating."""
        return ratings_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        rows: list[Row] = []
        split: list[tuple[str | int | float | None, ...]] = []
        undefined: list[str] = []
        for criterion in study.criteria.all():
            matrix = rating_matrix(criterion=criterion)
            if matrix.silence:
                undefined.append(f"{criterion.name}: {matrix.silence}")
                continue
            traits = juror_traits(juror_ids=matrix.juror_ids)
            rows += _agreement_rows(study, criterion, matrix, traits)
            split += _split_rows(criterion, matrix, traits)
        if not rows:
            return SectionContent(empty_reason=nothing_rated(silences=undefined))
        undefined += [
            f"{label}: {row.alpha.reason}" for label, row, _ in rows if row.alpha.value is None
        ]
        split.sort(key=lambda row: -float(row[4] or 0))
        return SectionContent(
            summary=tuple(_sentence(label, row) for label, row, is_whole in rows if is_whole),
            notices=tuple(undefined),
            figures=(_figure(rows),),
            tables=(
                (
                    "The responses that split the jury most",
                    Table(
                        columns=(
                            "response",
                            "source",
                            "criterion",
                            "ratings",
                            "standard deviation, share of the scale",
                            "trait that explains most",
                            "share it explains",
                            "its groups' means",
                        ),
                        rows=tuple(split[:MOST_SPLIT]),
                        numeric=frozenset((3, 4, 6)),
                        caption="A share of about (groups - 1) / (ratings - 1) is what chance "
                        "gives; a trait is named only where it explains more.",
                    ),
                ),
            ),
        )


def _agreement_rows(
    study: Study, criterion: Criterion, matrix: RatingMatrix, traits: Mapping[str, Sequence[str]]
) -> list[Row]:
    """The whole jury, then the groups of each trait."""
    level = LEVELS[Criterion.ScaleKind(criterion.scale_kind)]
    rng = results_rng(study=study, purpose=f"agreement {criterion.key}")
    whole = krippendorff_alpha(ratings=matrix.values, level=level, rng=rng, resamples=RESAMPLES)
    rows: list[Row] = [(f"{criterion.name} ({level.value})", whole, True)]
    for feature, labels in traits.items():
        own = np.asarray(labels)
        by_group = alpha_by_group(
            ratings=matrix.values,
            groups={str(name): own == name for name in np.unique(own)},
            level=level,
            seed=int(rng.integers(2**32)),
            resamples=RESAMPLES,
        )
        rows += [(f"{feature}: {name}", row, False) for name, row in by_group.items()]
    return rows


def _split_rows(
    criterion: Criterion, matrix: RatingMatrix, traits: Mapping[str, Sequence[str]]
) -> list[tuple[str | int | float | None, ...]]:
    span = criterion.high - criterion.low
    codes = {feature: _codes(labels) for feature, labels in traits.items()}
    rows: list[tuple[str | int | float | None, ...]] = []
    for own in item_disagreement(ratings=matrix.values, traits=codes):
        if own.variance.value is None:
            continue
        trait = own.splitting_trait
        response = matrix.responses[own.item]
        said = matrix.values[:, own.item]
        rows.append(
            (
                response.query_text,
                response.source,
                criterion.name,
                own.count,
                float(np.sqrt(own.variance.value)) / span,
                trait or "none beyond chance",
                dict(own.between)[trait].value if trait else None,
                _group_means(said, traits[trait]) if trait else "",
            )
        )
    return rows


def _codes(labels: Sequence[str]) -> NDArray[np.int64]:
    """A trait's values as numbers; -1 where not known."""
    _, codes = np.unique(np.asarray(labels), return_inverse=True)
    return np.where(np.asarray(labels) == UNKNOWN, -1, codes).astype(np.int64)


def _group_means(said: NDArray[np.float64], labels: Sequence[str]) -> str:
    own = np.asarray(labels)
    means = [
        (str(name), said[(own == name) & ~np.isnan(said)])
        for name in np.unique(own)
        if name != UNKNOWN
    ]
    return ", ".join(f"{name} {values.mean():.1f}" for name, values in means if len(values))


def _sentence(label: str, row: Agreement) -> str:
    alpha = row.alpha
    if alpha.value is None:
        return f"{label}: not defined. {alpha.reason}"
    interval = (
        f" (95 % interval {alpha.low:.2f} to {alpha.high:.2f})"
        if alpha.low is not None and alpha.high is not None
        else f" ({alpha.reason})"
    )
    return (
        f"{label}: α = {alpha.value:.2f}{interval}, {row.values} ratings of {row.units} responses."
    )


def _figure(rows: list[Row]) -> Figure:
    return Figure(
        key="alpha",
        title="How far do the jurors agree?",
        svg=agreement_svg([row for row in rows if row[2]]),
        caption="Low agreement is no fault of the jurors: on contested questions it is a finding. "
        "The table has every group's own agreement.",
        interval=f"95 % bootstrap over responses, {RESAMPLES:,} resamples",
        n=f"{max(row.values for _, row, _ in rows)} ratings",
        table=Table(
            columns=("who, on what", "α", "low", "high", "responses", "ratings", "why"),
            rows=tuple(
                (
                    label,
                    row.alpha.value,
                    row.alpha.low,
                    row.alpha.high,
                    row.units,
                    row.values,
                    row.alpha.reason,
                )
                for label, row, _ in rows
            ),
            numeric=frozenset(range(1, 6)),
            caption="Krippendorff's alpha by criterion and group",
        ),
    )
