"""What a study asks: criteria, sources, queries with their options, responses.

Files: one for each of them, and `shared`.
"""

from annotations.api.material.criteria import CriterionList, OneCriterion
from annotations.api.material.queries import OneQuery, QueryList, QueryOptions, QueryRepetition
from annotations.api.material.responses import OneResponse, ResponseList
from annotations.api.material.sources import OneSource, SourceList

__all__ = [
    "CriterionList",
    "OneCriterion",
    "OneQuery",
    "OneResponse",
    "OneSource",
    "QueryList",
    "QueryOptions",
    "QueryRepetition",
    "ResponseList",
    "SourceList",
]
