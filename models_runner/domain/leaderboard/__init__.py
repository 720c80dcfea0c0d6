"""A leaderboard of sources by a jury: welfare along alpha, rules, groups, who tips it."""

from models_runner.domain.leaderboard.board import (
    BOOTSTRAPS,
    GRID,
    Board,
    Groups,
    Progress,
    compute_board,
)
from models_runner.domain.leaderboard.influence import SourceInfluence, source_influence
from models_runner.domain.leaderboard.rules import RuleTally, rule_tallies
from models_runner.domain.leaderboard.stored import board_from_json, board_to_json

__all__ = [
    "BOOTSTRAPS",
    "GRID",
    "Board",
    "Groups",
    "Progress",
    "RuleTally",
    "SourceInfluence",
    "board_from_json",
    "board_to_json",
    "compute_board",
    "rule_tallies",
    "source_influence",
]
