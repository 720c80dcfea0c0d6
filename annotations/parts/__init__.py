"""What the annotations app puts into an exported data set, in the order of reading it back."""

from annotations.parts.material import (
    CriteriaPart,
    OptionsPart,
    QueriesPart,
    ResponsesPart,
    SourcesPart,
)
from annotations.parts.people import (
    AssignmentsPart,
    JurorsPart,
    ParticipationsPart,
    ProfileRepliesPart,
    QuizRepliesPart,
    SubmissionsPart,
)
from annotations.parts.plan import (
    FeaturesPart,
    ProfileQuestionsPart,
    QuizQuestionsPart,
    QuotasPart,
    StepsPart,
    StudyPart,
)
from annotations.parts.said import (
    ChoicesPart,
    HighlightsPart,
    OpinionsPart,
    PreferencesPart,
    RankingsPart,
    RatingsPart,
    ReasonsPart,
)
from annotations.ports import ExportPart

study_parts: tuple[ExportPart, ...] = (
    StudyPart(),
    FeaturesPart(),
    QuotasPart(),
    JurorsPart(),
    ProfileQuestionsPart(),
    QuizQuestionsPart(),
    StepsPart(),
    CriteriaPart(),
    SourcesPart(),
    QueriesPart(),
    OptionsPart(),
    ResponsesPart(),
    ParticipationsPart(),
    ProfileRepliesPart(),
    QuizRepliesPart(),
    AssignmentsPart(),
    SubmissionsPart(),
    RatingsPart(),
    PreferencesPart(),
    RankingsPart(),
    HighlightsPart(),
    ChoicesPart(),
    OpinionsPart(),
    ReasonsPart(),
)
