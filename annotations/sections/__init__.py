"""What the annotations app shows on a study's results page."""

from annotations.sections.agreement import AgreementSection
from annotations.sections.highlight import HighlightSection
from annotations.sections.participation import ParticipationSection
from annotations.sections.ranking import RankingSection
from annotations.sections.utility import UtilitySection
from annotations.sections.welfare import WelfareSection

__all__ = [
    "AgreementSection",
    "HighlightSection",
    "ParticipationSection",
    "RankingSection",
    "UtilitySection",
    "WelfareSection",
]
