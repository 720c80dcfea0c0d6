"""Where a learner that reads texts itself plugs in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from models_runner.domain.reward import Learner, RatingTable, TableModel


class FileModel(TableModel, Protocol):
    """A model that writes itself to a file of its own form, with its manifest."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Parameters and digests, plain JSON values."""
        ...

    def to_file(self) -> bytes:
        """A safetensors file."""
        ...


class TextLearner(Learner, Protocol):
    """A learner that reads the texts of a table's items itself."""

    def fit(self, *, table: RatingTable, confidence: float, seed: int) -> FileModel:
        """Learn from the ratings of a table."""
        ...


def load_jury_learner(
    *,
    texts: Sequence[str],
    queries: Sequence[str],
    tuned: bool | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TextLearner:
    """The learner of jury learning for items with these texts, on the settings' encoder.

    Args:
        texts: of a table's items.
        queries: what each answers; may be empty strings.
        tuned: whether the encoder learns along; None: as the settings say.
        progress: called with the share of a fit that is done and a line of text.
        cancelled: asked now and then; the fit raises ``EvaluationCancelled`` when it says yes.

    Raises:
        EncoderUnavailable: package, folder or hub id can't be loaded.
    """
    factory = import_string(settings.JURY_LEARNING_BACKEND)
    return cast(
        "TextLearner",
        factory(
            texts=texts,
            queries=queries,
            model=settings.ENCODER_MODEL,
            revision=settings.ENCODER_REVISION,
            tuned=settings.JURY_LEARNING_TUNES_ENCODER if tuned is None else tuned,
            progress=progress,
            cancelled=cancelled,
        ),
    )
