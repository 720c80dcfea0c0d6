"""Jury learning: one network for all jurors, which reads the text and knows who reads.

M. Gordon and others, "Jury learning", CHI 2022, section 4: the text by an encoder that is tuned
along, beside an embedding of the juror (32 numbers) and one of her groups (32), through three cross
layers (R. Wang and others, "Deep & cross network for ad click predictions", 2017), a dense layer,
one number; mean absolute error; Adam.

Where we differ: the learning rate of 2e-5 is the encoder's, the rest learns at 1e-3 (at 2e-5 a
juror's embedding hardly leaves its start within a study's few thousand ratings). A fifth of the
jurors and a tenth of the items are held out; training stops when held-out jurors, their embeddings
fitted to their other ratings, are foreseen no better, and the same ratings calibrate the intervals.
Several traits of a juror are summed into her group embedding.

Files: `plan` (how it learns), `layers` and `reader` (what it is made of), `traits` (a juror's
groups), `network` (what has been learnt, and what it foresees), `learner`, `held_out` (what
training doesn't see), `calibration` (intervals), `files`, `arrays`.
"""

from models_runner.backends.jury_learning.layers import CrossLayer, Top
from models_runner.backends.jury_learning.learner import JuryLearner
from models_runner.backends.jury_learning.network import JuryNetwork, network_from_file
from models_runner.backends.jury_learning.plan import TrainingPlan
from models_runner.backends.jury_learning.reader import Reader

__all__ = [
    "CrossLayer",
    "JuryLearner",
    "JuryNetwork",
    "Reader",
    "Top",
    "TrainingPlan",
    "network_from_file",
]
