"""Why the juror answered as she did, in her words."""

from typing import ClassVar

from annotations.models import Reason
from annotations.steps.words import WordsStep


class ReasonStep(WordsStep):
    """One page with a text field. Best put last: it asks about the steps before it."""

    kind: ClassVar[str] = "reason"
    label: ClassVar[str] = "reason for the answers, in words"
    default_prompt: ClassVar[str] = "Why did you answer as you did?"
    template_name: ClassVar[str] = "annotations/juror/steps/reason.html"
    model = Reason
