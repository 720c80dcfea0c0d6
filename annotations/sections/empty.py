"""What a section says where there is nothing to compute."""

from collections.abc import Sequence


def nothing_rated(*, silences: Sequence[str]) -> str:
    """Why a section on ratings is empty, and what to do.

    Args:
        silences: for each criterion a sentence on why it has no ratings.
    """
    if any("can't say" in sentence for sentence in silences):
        return " ".join(silences)
    return "Nobody has rated a response yet. Open the study and invite the jury."
