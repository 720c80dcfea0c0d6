"""Commands of the overton app."""
