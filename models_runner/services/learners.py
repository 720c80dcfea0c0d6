"""What each method learns from in a Run: its table, its learner, and its model's file."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from annotations.models import Criterion
from juries.services.runs import RunContext, RunRefused
from models_runner.domain.reward import (
    JURY_LEARNING,
    STATEMENT,
    FeatureLearner,
    FittedRewardModel,
    Learner,
    RatingTable,
    StatementLearner,
    StatementModel,
    TableModel,
)
from models_runner.ports import (
    EncoderUnavailable,
    FileModel,
    TextEncoder,
    feature_blocks,
    load_feature_encoder,
    load_jury_learner,
)
from models_runner.selectors.said import opinions_said
from models_runner.selectors.training import TrainingData
from models_runner.services.embeddings import embed_texts
from models_runner.services.statements import statement_scores
from overton.ports import EntailmentUnavailable, load_entailment_backend

# Parts of the progress bar: texts read, evaluation, the final fit, predictions.
EMBEDDED, EVALUATED, FITTED = 300, 800, 900


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a method needs to be measured and learnt.

    Attributes:
        table: ratings to learn from and to be measured on.
        features: shape (items, dimensions).
        learner: what learns.
        encoder: whose vectors the features are.
        cells: shape (jurors, items), which cells it can predict; None: all.
        scores: shape (jurors, items), where the method learns from scores.
        facts: what the manifest says beside the model's own.
    """

    table: RatingTable
    features: NDArray[np.float64]
    learner: Learner
    encoder: TextEncoder
    cells: NDArray[np.bool_] | None
    scores: NDArray[np.float64] | None
    facts: Mapping[str, Any]


def prepare(
    *, method: str, data: TrainingData, criterion: Criterion, context: RunContext
) -> Prepared:
    """Read the texts, and whatever else the method looks at.

    Raises:
        RunRefused: a model that it needs can't be loaded, or nobody wrote an opinion.
    """
    try:
        encoder = load_feature_encoder()
        features = item_features(data=data, encoder=encoder, context=context)
        table = data.table(
            features=features,
            blocks=2 * feature_blocks(encoder),
            low=criterion.low,
            high=criterion.high,
        )
        prepared = Prepared(
            table=table,
            features=features,
            learner=FeatureLearner(
                name=method,
                progress=lambda share: context.progress(
                    EVALUATED + round(share * (FITTED - EVALUATED)), 1000, "learning"
                ),
            ),
            encoder=encoder,
            cells=None,
            scores=None,
            facts={
                "encoder": encoder.name,
                "encoder_revision": encoder.revision,
                "encoder_weights": encoder.weights_digest,
                "encoder_dtype": encoder.dtype,
                "traits": data.traits_digest,
            },
        )
        if method == JURY_LEARNING:
            return replace(
                prepared,
                learner=load_jury_learner(
                    texts=data.responses,
                    queries=data.queries,
                    progress=_quarters(context),
                    cancelled=context.is_cancelled,
                ),
            )
        if method == STATEMENT:
            return _with_statements(prepared, data, criterion, context)
    except (EncoderUnavailable, EntailmentUnavailable) as problem:
        raise RunRefused(str(problem)) from problem
    return prepared


def _quarters(context: RunContext) -> Callable[[float, str], None]:
    """Writes a line into the Run's log with each quarter of a fit: one may take an hour."""
    written = {"quarter": -1}

    def tell(share: float, note: str) -> None:
        quarter = int(4 * share)
        if quarter != written["quarter"]:
            written["quarter"] = quarter
            context.log(f"jury learning, {share:.0%} of a fit, {note}")

    return tell


def _with_statements(
    prepared: Prepared, data: TrainingData, criterion: Criterion, context: RunContext
) -> Prepared:
    opinions = opinions_said(study=criterion.study, juror_ids=data.juror_ids)
    if not opinions:
        raise RunRefused(
            "No juror of this study has written an opinion of her own on a query, and the method "
            "statement learns from those alone. Let the protocol ask for opinions, or choose "
            "another method."
        )
    backend = load_entailment_backend()
    context.log(f"{len(opinions)} opinions, judged by {backend.name}")

    def tell(done: int, total: int) -> None:
        context.stop_if_cancelled()
        context.progress(EMBEDDED, 1000, f"{done} of {total} responses held against opinions")

    scores = statement_scores(data=data, opinions=opinions, backend=backend, progress=tell)
    told = ~np.isnan(scores)
    rated = told[prepared.table.jurors, prepared.table.items]
    return replace(
        prepared,
        table=prepared.table.take(rows=rated),
        learner=StatementLearner(scores=scores),
        cells=told,
        scores=scores,
        facts={
            **prepared.facts,
            "judge": backend.name,
            "judge_revision": backend.revision,
            "judge_weights": backend.weights_digest,
            "opinions": len(opinions),
            "opinions_digest": hashlib.sha256(
                "\x1f".join(f"{key}\x1e{text}" for key, text in sorted(opinions.items())).encode()
            ).hexdigest(),
        },
    )


def model_file(model: TableModel) -> tuple[bytes, str, Mapping[str, Any]]:
    """A model's bytes, the ending of its file's name, and its manifest."""
    if isinstance(model, StatementModel):
        model = model.inner
    if isinstance(model, FittedRewardModel):
        artefact = model.to_artefact()
        return artefact.to_bytes(), ".npz", artefact.manifest
    writer = cast("FileModel", model)
    return writer.to_file(), ".safetensors", writer.manifest


def item_features(
    *, data: TrainingData, encoder: TextEncoder, context: RunContext | None = None
) -> NDArray[np.float64]:
    """Features of each item: the response's vector beside the query's, shape (items, 2 d)."""
    return text_features(
        responses=data.responses, queries=data.queries, encoder=encoder, context=context
    )


def text_features(
    *,
    responses: tuple[str, ...],
    queries: tuple[str, ...],
    encoder: TextEncoder,
    context: RunContext | None = None,
) -> NDArray[np.float64]:
    """The vector of each response beside that of its query, shape (items, 2 d)."""
    count = len(responses)
    vectors = embed_texts(
        texts=[*responses, *queries],
        encoder=encoder,
        progress=(
            None
            if context is None
            else lambda done, total: context.progress(
                round(EMBEDDED * done / max(total, 1)), 1000, f"{done} of {total} texts read"
            )
        ),
    )
    return np.hstack([vectors[:count], vectors[count:]]).astype(np.float64)
