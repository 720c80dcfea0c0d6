"""The juror's own answer, in her words."""

from typing import ClassVar

from annotations.models import Opinion
from annotations.steps.words import WordsStep


class OpinionStep(WordsStep):
    """One page with a text field. Best put first: what she reads later can't colour it."""

    kind: ClassVar[str] = "opinion"
    label: ClassVar[str] = "own opinion, in words"
    default_prompt: ClassVar[str] = "What do you think yourself?"
    template_name: ClassVar[str] = "annotations/juror/steps/opinion.html"
    model = Opinion
