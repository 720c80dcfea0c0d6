"""Tables from outside, and what can be read from them: queries with responses, and ratings.

Nothing is mended silently: what is wrong is listed by row, and the caller imports all or nothing.
"""

from annotations.domain.tables.outside import (
    ENCODINGS,
    MOST_PROBLEMS,
    ColumnMissing,
    OutsideTable,
    Problems,
    RowProblem,
    TableUnreadable,
    read_table,
)
from annotations.domain.tables.queries import (
    QUERY_FIELDS,
    OutsideOption,
    QueryMaterial,
    parse_options,
    read_queries,
)
from annotations.domain.tables.ratings import (
    DeclaredScale,
    OutsideItem,
    OutsideRatings,
    RatingColumns,
    read_rater_matrix,
    read_ratings,
)

__all__ = [
    "ENCODINGS",
    "MOST_PROBLEMS",
    "QUERY_FIELDS",
    "ColumnMissing",
    "DeclaredScale",
    "OutsideItem",
    "OutsideOption",
    "OutsideRatings",
    "OutsideTable",
    "Problems",
    "QueryMaterial",
    "RatingColumns",
    "RowProblem",
    "TableUnreadable",
    "parse_options",
    "read_queries",
    "read_rater_matrix",
    "read_ratings",
    "read_table",
]
