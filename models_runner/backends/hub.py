"""Whether a model can come at all: from a folder, this machine's cache, or a hub that answers."""

from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import constants as hub
from transformers import AutoTokenizer

HUB_ANSWERS_WITHIN = 5.0


class OutOfReach(OSError):
    """There is no such folder, or the hub that would have the model does not answer."""


def loading_options(location: str, *, revision: str = "") -> dict[str, Any]:
    """What to hand to `from_pretrained` beside a folder or a hub id.

    What lies on this machine is taken from here without asking the hub.

    Args:
        location: a folder or a hub id.
        revision: of a hub id; empty for its default.

    Raises:
        OutOfReach: said at once, where the hub's own client would go on trying for minutes.
    """
    if Path(location).is_dir():
        return {"local_files_only": True}
    if location.startswith((".", "/", "~")):
        raise OutOfReach(f"there is no folder {location!r} on the worker's machine.")
    options: dict[str, Any] = {"revision": revision} if revision else {}
    try:
        AutoTokenizer.from_pretrained(location, local_files_only=True, **options)
    except (OSError, ValueError) as problem:
        _refuse_silent_hub(location, problem)
        return options
    return {**options, "local_files_only": True}


def _refuse_silent_hub(location: str, problem: Exception) -> None:
    offline = hub.is_offline_mode() if hasattr(hub, "is_offline_mode") else hub.HF_HUB_OFFLINE
    try:
        if offline:
            raise OSError("HF_HUB_OFFLINE is set")
        httpx2.head(hub.ENDPOINT, timeout=HUB_ANSWERS_WITHIN, follow_redirects=True)
    except (OSError, httpx2.HTTPError) as silence:
        raise OutOfReach(
            f"{location!r} is not in this machine's cache ({hub.HF_HUB_CACHE}), and the hub"
            f" {hub.ENDPOINT} does not answer ({silence})."
        ) from problem
