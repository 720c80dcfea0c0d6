"""What a juror does on this floor: judge answers, name a missing one, label responses."""

from overton.steps.judging import JudgingStep
from overton.steps.labelling import LabellingStep
from overton.steps.proposing import ProposingStep

__all__ = ["JudgingStep", "LabellingStep", "ProposingStep"]
