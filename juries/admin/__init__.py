"""The researchers' desk: importing a module of this folder registers its pages."""

from juries.admin import juries, pools, records

__all__ = ["juries", "pools", "records"]
