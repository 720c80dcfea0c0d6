"""The address map. Each app brings its own; the ground only names them."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("juries.urls")),
    path("", include("annotations.urls")),
    path("", include("overton.urls")),
    path("", include("models_runner.urls")),
    path("api/v1/", include("juries.api.routes")),
    path("api/v1/", include("annotations.api.routes")),
    path("api/v1/", include("overton.api.routes")),
    path("api/v1/", include("models_runner.api.routes")),
    path("api/", include("juries.api.description")),
]

if settings.DEBUG:
    urlpatterns.append(
        path("look/", TemplateView.as_view(template_name="look.html"), name="look"),
    )
