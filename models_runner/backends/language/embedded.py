"""Language models that ship inside Python packages, once `manage.py prepare_models` has run."""

from dataclasses import replace

from django.conf import settings

from models_runner.backends.language import transformers_lm
from models_runner.backends.language.packaged import (
    converted_folder,
    installed_version,
    is_installed,
    packaged_model,
)
from models_runner.ports import LanguageModel, ModelSpecification, ModelUnavailable


def load(specification: ModelSpecification) -> LanguageModel:
    """The packaged model that `location` names.

    Raises:
        ModelUnavailable: it is not installed, of another version, or not converted yet.
    """
    model = packaged_model(specification.location)
    if not is_installed(model):
        raise ModelUnavailable(
            f"{specification.name}: the package {model.package} is not installed where the worker"
            f" runs. Type: {model.install}; then: python manage.py prepare_models"
        )
    version = installed_version(model)
    if specification.revision and specification.revision != version:
        raise ModelUnavailable(
            f"{specification.name}: version {specification.revision} of {model.package} is"
            f" registered, and {version} is installed. Install that version, or register this one."
        )
    folder = converted_folder(model, folder=settings.LANGUAGE_MODELS_DIR)
    if folder is None:
        extra = f" --package {model.package} --accept-terms" if model.terms else ""
        raise ModelUnavailable(
            f"{specification.name}: {model.package} {version} has not been converted on the"
            f" worker's machine. Type: python manage.py prepare_models{extra}"
        )
    return transformers_lm.load_from(replace(specification, revision=version), location=str(folder))
