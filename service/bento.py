"""The BentoML service: ``bentoml serve service.bento:Metashot`` runs it, ``bentoml build`` packs it."""

import gc
import logging
import os
from pathlib import Path

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "true")

import bentoml

from service.launcher import end_with_launcher, name_launcher

if bentoml.server_context.worker_index is None:  # it is the launcher, which only imports this
    name_launcher()
else:
    end_with_launcher()  # first of all, as the launcher may end while the rest is imported

from service.app import create_app
from service.middleware.plain_addresses import PlainAddresses, keep_to_one_line
from service.settings import Settings, SettingsError
from service.store.database import Database

_BENTO = Path(__file__).parents[2] / "bento.yaml"  # exists only where a Bento is run, not the project's folder


def _usable_settings() -> Settings:
    settings = Settings.from_environment()
    if _BENTO.exists():
        if not settings.data_dir.is_absolute():
            detail = "lies inside the Bento, and would be deleted with it; name a folder by its absolute path"
            raise SettingsError(f"DATA_DIR={settings.data_dir} {detail}")
        Database(settings.data_dir).close()  # fail here; workers would fail forever, with tracebacks
    return settings


try:
    settings = _usable_settings()
except SettingsError as error:
    # BentoML would report a ValueError as a missing module of the Bento's name.
    raise SystemExit(f"error: {error}") from None
app = create_app(settings)
logging.getLogger("bentoml.access").addFilter(keep_to_one_line)


@bentoml.service(
    name="metashot",
    workers=1,  # the compute threads inside it use all cores; more processes would only share the store
    traffic={"timeout": settings.request_timeout_s},
    metrics={"enabled": False},  # BentoML's label raw paths; ours, at the same address, label route templates
    tracing={"excluded_urls": ".*"},  # nobody collects traces here, and spans cost time
    logging={"access": {"request_content_type": False}},  # one that is no UTF-8 would cut its own answer short
)
@bentoml.asgi_app(app, path="/")
class Metashot:
    """Few-shot image classification: labelled examples in, a classifier out, seconds later."""

    def __is_ready__(self) -> bool:
        """Whether it can answer (see ``Components.ready``)."""
        components = getattr(app.state, "components", None)
        return components is not None and bool(components.ready)


Metashot.add_asgi_middleware(PlainAddresses)  # type: ignore[attr-defined]  # the decorator made a Service of it
if bentoml.server_context.worker_index is None:
    # Or else the launcher, as it ends, would look for garbage in all that it imported: for a second, or many on a
    # busy machine, during which the service seems not to stop.
    gc.freeze()
