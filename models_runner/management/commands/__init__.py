"""Commands of the models_runner app."""
