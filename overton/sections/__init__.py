"""What the overton app shows on a study's results page."""

from overton.sections.coverage import CoverageSection
from overton.sections.windows import WindowSection

__all__ = ["CoverageSection", "WindowSection"]
