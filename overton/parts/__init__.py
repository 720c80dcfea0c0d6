"""What the overton app puts into an exported data set, in the order of reading it back."""

from annotations.ports import ExportPart
from overton.parts.answers import AnswerMergesPart, AnswersPart, ExclusionsPart
from overton.parts.judged import ExpressionLabelsPart, JudgementsPart, LabelResolutionsPart
from overton.parts.readings import ExtractedViewsPart, PairReadingsPart, ReadingsPart
from overton.parts.windows import WindowRulePart, WindowsPart

overton_parts: tuple[ExportPart, ...] = (
    AnswersPart(),
    AnswerMergesPart(),
    ExclusionsPart(),
    JudgementsPart(),
    ExpressionLabelsPart(),
    LabelResolutionsPart(),
    WindowRulePart(),
    WindowsPart(),
    ReadingsPart(),
    PairReadingsPart(),
    ExtractedViewsPart(),
)
