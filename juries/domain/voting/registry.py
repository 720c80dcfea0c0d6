"""The voting rules by name."""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from juries.domain.voting.ballots import InvalidBallots
from juries.domain.voting.cardinal import MaxSat, PowerRule, RelativeUtilitarian
from juries.domain.voting.copeland import Copeland
from juries.domain.voting.minimax import VonNeumann
from juries.domain.voting.outcomes import VotingRule
from juries.domain.voting.positions import Borda, Majority, Plurality
from juries.domain.voting.schulze import Schulze

_RULES: tuple[VotingRule, ...] = (
    PowerRule(0.0, "utilitarian", "utilitarian (highest mean)"),
    PowerRule(1.0, "nash", "Nash (highest geometric mean)"),
    PowerRule(inf, "rawls", "Rawls (highest minimum)"),
    RelativeUtilitarian(),
    MaxSat(),
    Borda(),
    Plurality(),
    Majority(),
    Copeland(),
    Schulze(),
    VonNeumann(),
)

VOTING_RULES: Mapping[str, VotingRule] = MappingProxyType({rule.name: rule for rule in _RULES})


class UnknownRule(InvalidBallots):
    """No voting rule has this name; the message lists those that exist."""


def voting_rule(name: str) -> VotingRule:
    """The rule of this name; raises UnknownRule listing the legal ones."""
    try:
        return VOTING_RULES[name]
    except KeyError:
        raise UnknownRule(
            f"There is no voting rule {name!r}; there are: {', '.join(VOTING_RULES)}."
        ) from None
