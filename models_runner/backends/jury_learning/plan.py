"""How the network learns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How the network learns.

    encoder_rate, top_rate : Adam's learning rates of the encoder and of all that stands on it
    items_at_once : texts of a batch; all ratings of a text stand in one batch, so that it is read
        once
    most_epochs, least_steps : it learns for so many rounds, or steps where those are more
    patience : after so many tests without a better one it stops
    fitting_steps : steps by which a new juror's embedding is fitted
    longest : tokens of query and response together; what is longer loses its end
    """

    encoder_rate: float = 2e-5
    top_rate: float = 1e-3
    items_at_once: int = 16
    most_epochs: int = 20
    least_steps: int = 400
    patience: int = 4
    fitting_steps: int = 60
    longest: int = 256
