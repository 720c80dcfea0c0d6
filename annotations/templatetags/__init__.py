"""Tags and filters of the annotations app's templates."""
