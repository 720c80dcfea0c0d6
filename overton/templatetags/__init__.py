"""Tags and filters of the overton app's templates."""
