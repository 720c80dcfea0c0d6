"""The ground floor: settings, URLs, the Celery application and the base templates.

Nothing here imports an app; apps are named in strings.
"""

from venire.celery import app as celery_app

__version__ = "0.1.0"

__all__ = ["__version__", "celery_app"]
