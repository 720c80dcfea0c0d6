"""The researchers' desk: importing a module of this folder registers its pages."""

from overton.admin import answers, windows

__all__ = ["answers", "windows"]
