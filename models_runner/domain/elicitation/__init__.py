"""From what a model puts out to a distribution over a question's options.

Sorensen and others, "A roadmap to pluralistic alignment" (2024), appendix A. Files: `prompts`
(texts after which the next token is a letter), `letters` (log-probabilities of letters), `orders`
(options in several orders), `completions` (sampled answers), `stated` (distributions that a model
states), `likelihoods` (how likely the options' words are).
"""

from enum import StrEnum


class ElicitationMode(StrEnum):
    """How a distribution came about; it is stored with each, since they differ.

    LETTERS_TEXT: softmax over the letters in each prompt, then the mean of probabilities, as the
    paper's text says. LETTERS_PAPER_CODE: mean of logits over prompts for each way to write a
    letter, sum over the ways, softmax; what the paper's published notebook does, which is sharper.
    SAMPLED: completions parsed to options. STATED: the model states the distribution.
    LIKELIHOOD: softmax over the log-likelihoods of the options' words; LIKELIHOOD_MEAN: of
    their means per token.
    """

    LETTERS_TEXT = "letters_text"
    LETTERS_PAPER_CODE = "letters_paper_code"
    SAMPLED = "sampled"
    STATED = "stated"
    LIKELIHOOD = "likelihood"
    LIKELIHOOD_MEAN = "likelihood_mean"
