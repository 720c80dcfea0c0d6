"""The researcher's desk: importing a module of this folder registers its pages."""

from annotations.admin import queries, studies, ways_in

__all__ = ["queries", "studies", "ways_in"]
