"""The BentoML service: ``bentoml serve service.bento:Metashot`` runs it, ``bentoml build`` packs it."""

import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")

import bentoml

from service.app import create_app
from service.launcher import end_with_launcher
from service.settings import Settings

settings = Settings.from_environment()
app = create_app(settings)


@bentoml.service(
    name="metashot",
    workers=1,  # the compute threads inside it use all cores; more processes would only share the store
    traffic={"timeout": settings.request_timeout_s},
    metrics={"enabled": False},  # they label raw paths; ours, under the same address, label route templates
    tracing={"excluded_urls": ".*"},  # nobody collects traces here, and to start and end spans takes time
)
@bentoml.asgi_app(app, path="/")
class Metashot:
    """Few-shot image classification: labelled examples in, a classifier out, seconds later."""

    def __init__(self) -> None:
        end_with_launcher()

    def __is_ready__(self) -> bool:
        """Whether there is an initialization to answer with."""
        components = getattr(app.state, "components", None)
        return components is not None and bool(components.registry.offered)
