"""The portal as one ASGI application."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from agro import __version__
from agro import portal as portal_package
from agro.portal import api, background, downloads, operator, outlook, people, problems, tiles
from agro.portal.door import Guarded
from agro.portal.people import may_change
from agro.portal.shelf import Shelf
from agro.portal.tiles import Tiles
from agro.portal.workshop import Workshop
from agro.store.accounts import Accounts
from agro.store.audit import Audit
from agro.store.database import connected
from agro.store.field_plans import FieldPlans
from agro.store.kept_tiles import KeptTiles
from agro.store.publish import Store
from agro.store.work import Works
from flows.settings import Settings

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings) -> FastAPI:
    """The portal over the store and the accounts of the settings. Raises BadInput, StoreDown."""
    app = FastAPI(
        title="agro",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_living,
        dependencies=[Depends(may_change)],
    )
    state = app.state
    state.app, state.settings = app, settings
    engine = connected(settings.portal.database, settings.portal.path)
    state.accounts, state.audit = Accounts(engine), Audit(engine)
    state.shelf = Shelf(Store(settings.store.path), settings.portal.path)
    kept = KeptTiles(settings.portal.path / "tiles", 1_000_000 * settings.portal.tile_cache_mb)
    state.tiles = Tiles(state.shelf.store, kept, settings.portal.tiles_at_once)
    state.plans, state.works = FieldPlans(engine), Works(engine)
    state.workshop = Workshop(settings, state.works, state.shelf)
    state.hashing = threading.BoundedSemaphore(2)
    app.user_middleware.append(Middleware(Guarded, state=state))
    problems.handle(app)
    app.include_router(api.about)
    for part in (people, tiles, downloads, api, outlook, background, operator):
        app.include_router(part.router)
    for name in sorted(module.name for module in iter_modules(portal_package.__path__)):
        if name.startswith("pages_"):
            app.include_router(import_module(f"agro.portal.{name}").router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return app


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    """Keep an eye on the store while the portal runs."""
    with app.state.shelf.watching():
        yield
    app.state.accounts.engine.dispose()
