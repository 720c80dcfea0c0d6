"""The reward models' held-out table: how far a guess is off, before any guess is used."""

from typing import Any

from annotations.models import Study
from annotations.ports import Figure, SectionContent, Table
from models_runner.domain.reward.preference import LOW_RANK
from models_runner.figures.held_out import held_out_svg
from models_runner.models import PredictedRating, RewardTraining
from models_runner.selectors.training import newest_trainings

SITUATIONS = {
    "seen_juror_new_item": "known juror, new response",
    "new_juror_new_item": "new juror, new response",
    "random_cells": "known juror, known response",
}
# Measures of the held-out table and what they are called.
MEASURES = {
    "mae": "mean absolute error",
    "mae_of_mean": "mean absolute error of the mean",
    "rmse": "root mean square",
    "rank_correlation": "rank correlation within jurors",
    "coverage": "90 % interval covers",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "logarithmic loss",
}


class RewardModelSection:
    """One reward model per juror: held-out errors beside those of the baselines."""

    key = "reward-models"
    title = "What the jurors' models can foresee"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every training."""
        return str(
            [(training.pk, training.stale_since) for training in newest_trainings(study=study)]
        )

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        trainings = newest_trainings(study=study)
        if not trainings:
            return SectionContent(
                empty_reason="No reward models have been trained. Train them on the study's "
                "page of models once jurors have rated."
            )
        summary, notices, figures, tables = [], [], [], []
        for training in trainings:
            name = f"{training.criterion.name} ({training.method})"
            gate = training.evaluation["gate"]
            predicted = PredictedRating.objects.filter(training=training).count()
            if gate["usable"]:
                summary.append(
                    f"{name}: usable. It beats every baseline on jurors and responses that it had "
                    + (
                        "not seen. It foresees which of two responses a juror prefers, so no "
                        "rating is predicted with it."
                        if training.method == LOW_RANK
                        else "not seen, and its intervals hold what they promise. "
                        f"{predicted:,} ratings are predicted with it."
                    )
                )
            else:
                notices.append(
                    f"{name}: not usable; its guesses stand in no other figure. "
                    + " ".join(gate["reasons"])
                )
            if training.stale_since is not None:
                notices.append(
                    f"{name}: learnt from answers that a juror has withdrawn. Train it again."
                )
            if training.evaluation["rows"]:
                figures.append(_figure(training))
                tables.append((f"{name}: all held-out errors", _table(training)))
            if training.evaluation.get("by_juror"):
                tables.append((f"{name}: each juror's own held-out error", _by_juror(training)))
        return SectionContent(
            summary=tuple(summary),
            notices=tuple(notices),
            figures=tuple(figures),
            tables=tuple(tables),
        )


def _figure(training: RewardTraining) -> Figure:
    rows = [
        row
        for row in training.evaluation["rows"]
        if row["situation"] == "new_juror_new_item" and row["own_ratings"] is not None
    ]
    counts = sorted({int(row["own_ratings"]) for row in rows})
    methods = list(dict.fromkeys([training.method, *(row["method"] for row in rows)]))
    compares = training.method == LOW_RANK
    measure, said = ("log_loss", "comparisons") if compares else ("mae", "ratings")
    cell = {(row["method"], int(row["own_ratings"])): row[measure] for row in rows}
    errors = {method: [_point(cell.get((method, count))) for count in counts] for method in methods}
    criterion = training.criterion
    name = criterion.name.lower()
    title = (
        f"How far off is a guess of who prefers what, by {name}?"
        if compares
        else f"How far off is a guess of {name}?"
    )
    scale = (
        "A guess of one half for everything has a loss of 0.693."
        if compares
        else f"The scale runs from {criterion.low:g} to {criterion.high:g}."
    )
    return Figure(
        key=f"error-{criterion.key}-{training.method}",
        title=title,
        svg=held_out_svg(
            title=title, counts=counts, errors=errors, measure=MEASURES[measure], said=said
        ),
        caption=f"Jurors and responses that the model had not seen. {scale}",
        interval=f"smallest and largest of {len(training.evaluation['seeds'])} splits",
        n=_size(rows, said),
        run_id=str(training.run.public_id),
        is_predicted=True,
        table=Table(
            columns=("method", *(f"{count} own {said}" for count in counts)),
            rows=tuple(
                (
                    method.replace("_", " "),
                    *(None if point is None else point[0] for point in errors[method]),
                )
                for method in methods
            ),
            numeric=frozenset(range(1, len(counts) + 1)),
            caption=f"{MEASURES[measure].capitalize()} on new jurors and new responses",
        ),
    )


def _size(rows: list[dict[str, Any]], said: str) -> str:
    jurors = max((int(row["jurors"]) for row in rows), default=0)
    ratings = max((int(row["ratings"]) for row in rows), default=0)
    return f"up to {jurors} held-out jurors with {ratings} {said} in a split"


def _point(measured: dict[str, Any] | None) -> tuple[float, float, float] | None:
    if measured is None or measured["value"] is None:
        return None
    return float(measured["value"]), float(measured["low"]), float(measured["high"])


def _table(training: RewardTraining) -> Table:
    """Every row; measures that no row has are left out, and the caption says why."""
    rows = training.evaluation["rows"]
    said = "comparisons" if training.method == LOW_RANK else "ratings"
    shown = [
        measure
        for measure in MEASURES
        if any(row.get(measure, {}).get("value") is not None for row in rows)
    ]
    left_out = {
        measure: rows[0][measure]["reason"]
        for measure in MEASURES
        if measure not in shown and measure in rows[0]
    }
    reasons = "; ".join(
        f"{MEASURES[measure]} ({reason.rstrip('.').lower()})"
        for measure, reason in left_out.items()
    )
    return Table(
        columns=(
            "method",
            "what was known",
            f"own {said}",
            *(MEASURES[measure] for measure in shown),
            said,
            "why empty",
        ),
        rows=tuple(
            (
                row["method"].replace("_", " "),
                SITUATIONS[row["situation"]],
                row["own_ratings"],
                *(row.get(measure, {}).get("value") for measure in shown),
                row["ratings"],
                next(
                    (
                        row[measure]["reason"]
                        for measure in shown
                        if measure in row and row[measure]["value"] is None
                    ),
                    "",
                ),
            )
            for row in rows
        ),
        numeric=frozenset(range(2, len(shown) + 4)),
        caption="Held-out errors of the method and of the baselines"
        + (f". Left out: {reasons}" if reasons else ""),
    )


def _by_juror(training: RewardTraining) -> Table:
    """How far off the model is for each juror, the worst first."""
    compares = training.method == LOW_RANK
    rows = sorted(training.evaluation["by_juror"], key=lambda row: (-row["error"], row["juror"]))
    return Table(
        columns=(
            "juror",
            "share of comparisons put in the wrong order" if compares else MEASURES["mae"],
            "held-out " + ("comparisons" if compares else "ratings"),
        ),
        rows=tuple((row["juror"], row["error"], row["tested"]) for row in rows),
        numeric=frozenset((1, 2)),
        caption="Jurors whom the model knows, responses that it had not seen; the worst first",
    )
