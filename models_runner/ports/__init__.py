"""Where machine-learning libraries plug in: Protocols, and loading by dotted path.

Web processes import this package but never a backend (DESIGN, law 7): what loads a model is called
inside Runs and commands only. A file for each kind of model: `encoders`, `language`, `learners`.
"""

from models_runner.ports.encoders import (
    EncoderUnavailable,
    LayeredEncoder,
    Progress,
    TextEncoder,
    feature_blocks,
    load_encoder,
    load_feature_encoder,
)
from models_runner.ports.language import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    LanguageModelProblem,
    LetterScores,
    Message,
    ModelSpecification,
    ModelUnavailable,
    OptionScores,
    Prompt,
    RequestFailed,
    TemplateKind,
    load_language_model,
)
from models_runner.ports.learners import FileModel, TextLearner, load_jury_learner

__all__ = [
    "Ability",
    "AbilityMissing",
    "Completion",
    "EncoderUnavailable",
    "FileModel",
    "FinishReason",
    "GenerationRequest",
    "LanguageModel",
    "LanguageModelProblem",
    "LayeredEncoder",
    "LetterScores",
    "Message",
    "ModelSpecification",
    "ModelUnavailable",
    "OptionScores",
    "Progress",
    "Prompt",
    "RequestFailed",
    "TemplateKind",
    "TextEncoder",
    "TextLearner",
    "feature_blocks",
    "load_encoder",
    "load_feature_encoder",
    "load_jury_learner",
    "load_language_model",
]
