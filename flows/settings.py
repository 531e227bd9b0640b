"""The configuration: typed, bounded, read once. Unknown keys are refused, values are frozen."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from agro.domain.errors import BadInput
from agro.domain.land import Crop
from flows.hub_settings import Api, Hub
from flows.sections import MaybePath, Messages, Output, Portal, Privacy, Section, Watch

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
_PATHS = (
    *("store.path", "imagery.catalog", "imagery.bands", "fields.path", "fields.seasons", "fields.parcels", "twin.path"),
    *("messages.outbox", "messages.addresses", "records.elevation", "records.soil", "records.weather"),
    *("advice.fertilisers", "advice.prices", "advice.protection", "advice.trials", "advice.n_rich"),
    *("records.harvest", "records.statistics", "records.harvest_summaries", "records.yield_monitors"),
    *("records.moisture", "output.statistics", "output.board", "hub.credentials", "hub.ledger"),
    *("api.credentials", "portal.path"),
)


class Ui(Section):
    language: Literal["ru", "en"] = "ru"


class StorePlace(Section):
    path: Path
    wait_s: float = Field(ge=0, le=86_400)


class Imagery(Section):
    source: Literal["twin", "stac", "sentinel-hub", "stac-api"]
    catalog: MaybePath
    collections: tuple[str, ...] = Field(min_length=1)
    radar_collections: tuple[str, ...]
    unlinked: bool
    bands: Path
    cloud_margin_m: float = Field(ge=0, le=1000)
    shadow_margin_m: float = Field(ge=0, le=1000)
    lai_net: Literal["2.1", "3A", "3B"]
    low_sun_zenith_deg: float = Field(ge=0, le=90)


class Fields(Section):
    path: MaybePath
    layer: str
    encoding: str
    seasons: MaybePath
    parcels: MaybePath
    few_px: int = Field(ge=1, le=10_000)
    low_clear_fraction: float = Field(ge=0, le=1)


def _box(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if bounds and not (-180 <= bounds[0] < bounds[2] <= 180 and -90 <= bounds[1] < bounds[3] <= 90):
        raise ValueError("[west, south, east, north] in degrees, west below east and south below north")
    return bounds


class Region(Section):
    bounds: Annotated[tuple[()] | tuple[float, float, float, float], AfterValidator(_box)]


class GridChoice(Section):
    crs: str = Field(pattern=r"^(auto|EPSG:\d{4,6})$")


class Compute(Section):
    workers: int = Field(ge=1, le=256)
    scheduler: str = Field(pattern=r"^(threads|(tcp|tls)://[\w.:\[\]-]+)$")


class Serve(Section):
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    look_cron: str = Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")
    after_overpass_h: tuple[Annotated[float, Field(gt=0, le=120)], ...]
    watch_s: float = Field(ge=0, le=3600)
    history_days: int = Field(ge=1, le=3650)


class Records(Section):
    elevation: MaybePath
    soil: MaybePath
    weather: MaybePath
    moisture: MaybePath
    wind_height_m: float = Field(gt=0, le=100)
    harvest: MaybePath
    statistics: MaybePath
    harvest_summaries: MaybePath
    yield_monitors: MaybePath


class Maps(Section):
    season_first_day: str = Field(pattern=r"^\d\d-\d\d$")
    season_last_day: str = Field(pattern=r"^\d\d-\d\d$")
    critical_first_day: str = Field(pattern=r"^\d\d-\d\d$")
    critical_last_day: str = Field(pattern=r"^\d\d-\d\d$")
    implement_width_m: float = Field(ge=1, le=60)


class Advice(Section):
    season: int = Field(ge=0, le=2100)
    nutrients: tuple[Literal["n", "p2o5", "k2o", "s", "caco3"], ...] = Field(min_length=1)
    products: tuple[str, ...]
    fertilisers: Path
    prices: MaybePath
    currency: str
    protection: MaybePath
    trials: MaybePath
    n_rich: MaybePath
    scheme: str
    placement: Literal["in_soil", "surface"]
    frozen_soil: bool
    terminals: tuple[str, ...]
    lowest_kg_ha: float = Field(ge=0, le=10_000)
    highest_kg_ha: float = Field(gt=0, le=20_000)
    step_kg_ha: float = Field(gt=0, le=500)
    varying_cost_ha: float = Field(ge=0, le=100_000)
    customer: str


class Twin(Section):
    path: Path
    seed: int = Field(ge=0, le=2**31)
    seasons: tuple[Annotated[int, Field(ge=2015, le=2100)], ...] = Field(min_length=1)
    faults: bool
    world: Literal["first", "second"]


class Settings(BaseSettings):
    """All of it. Read by `load`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="AGRO__", env_nested_delimiter="__")

    ui: Ui
    store: StorePlace
    imagery: Imagery
    fields: Fields
    region: Region
    grid: GridChoice
    compute: Compute
    serve: Serve
    records: Records
    maps: Maps
    watch: Watch
    messages: Messages
    advice: Advice
    output: Output
    privacy: Privacy
    portal: Portal
    twin: Twin
    hub: Hub
    api: Api

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load(config: str = "default", overrides: Sequence[str] = ()) -> Settings:
    """The settings: default.toml, then `config` (a name in configs/ or a file), the environment, the overrides.

    An override is `section.key=value`, the value in TOML or plain text. Raises BadInput.
    """
    merged = _read(CONFIGS / "default.toml")
    if config != "default":
        merged = _merged(merged, _read(Path(config) if config.endswith(".toml") else CONFIGS / f"{config}.toml"))
    merged = _merged(merged, _environment())
    for override in overrides:
        merged = _merged(merged, _override(override))
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise _sentence(error) from None


def placed(config: str, overrides: Sequence[str]) -> tuple[str, list[str]]:
    """The same configuration and overrides, to be read from any working directory."""
    whole = [
        f"{name}={Path(text).resolve()}" if name in _PATHS and text else override
        for override in overrides
        for name, _, text in [override.partition("=")]
    ]
    return str(Path(config).resolve()) if config.endswith(".toml") else config, whole


def facts(path: Path) -> dict[str, Any]:
    """A file of facts about the world, beside the configuration."""
    return _toml(path)


def band_aliases(path: Path, collections: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each band, the asset names that mean it, best first, over the collections."""
    table = facts(path)
    aliases: dict[str, tuple[str, ...]] = {}
    for collection in collections:
        for band, names in table.get(collection, {}).items():
            aliases[band] = (*aliases.get(band, ()), *names)
    if not aliases:
        raise BadInput(
            "CFG-BANDS",
            "{where}: names no band of the collections {met}",
            "add the collection's asset names there",
            where=path.name,
            met=", ".join(collections),
        )
    return aliases


def season_day(year: int, month_day: str) -> date:
    """A day of the configuration in a year."""
    return date.fromisoformat(f"{year}-{month_day}")


def crops() -> list[Crop]:
    """The crops of configs/crops.toml."""
    rows = facts(CONFIGS / "crops.toml")
    return [
        Crop(
            code,
            row["english"],
            row["russian"],
            tuple(row.get("also", ())),
            row.get("mown", False),
            row.get("kind", ""),
        )
        for code, row in rows.items()
        if isinstance(row, Mapping)
    ]


def crop_names(language: str) -> dict[str, str]:
    """What each crop is called, by its code."""
    return {crop.code: crop.name(language) for crop in crops()}


def crop_codes() -> dict[str, str]:
    """The code of every word that people write for a crop."""
    return {word: crop.code for crop in crops() for word in (crop.code, crop.english, crop.russian, *crop.also)}


def districts(language: str) -> dict[str, str]:
    """What each district of configs/districts.toml is called."""
    rows = facts(CONFIGS / "districts.toml")
    return {
        code: row["russian" if language == "ru" else "english"] for code, row in rows.items() if isinstance(row, dict)
    }


def _read(path: Path) -> dict[str, Any]:
    """A configuration file, its paths made absolute from where it lies."""
    return _placed(_toml(path), path.resolve().parent)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = get_close_matches(path.stem, [p.stem for p in CONFIGS.glob("*.toml")], n=1)
        raise BadInput(
            "CFG-MISSING",
            "{where}: there is no such configuration",
            "did you mean {near}?" if near else "give a name of configs/ or the path of a .toml file",
            where=str(path),
            near=", ".join(near),
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            "CFG-TOML", "{where}: not TOML ({met})", "mend the file", where=str(path), met=str(error)
        ) from None
    except OSError as error:
        raise BadInput(
            "FILE-UNREADABLE", "{where}: {met}", "check the path and the rights", where=str(path), met=str(error)
        ) from None


def _environment() -> dict[str, Any]:
    """What AGRO__SECTION__KEY variables say; paths are relative to the working directory."""
    for name in os.environ:
        section = name.removeprefix("AGRO__").partition("__")[0].lower()
        if name.startswith("AGRO__") and section not in Settings.model_fields:
            raise BadInput(
                "CFG-KEY", "unknown configuration key {where}", "configs/default.toml lists every key", where=name
            )
    try:
        found = EnvSettingsSource(Settings, env_prefix="AGRO__", env_nested_delimiter="__")()
    except SettingsError as error:
        raise BadInput(
            "CFG-ENVIRONMENT",
            "a variable AGRO__... cannot be read: {met}",
            "write lists and tables as JSON, for instance AGRO__IMAGERY__COLLECTIONS='[\"sentinel-2-l2a\"]'",
            met=str(error),
        ) from None
    return _placed({name: value for name, value in found.items() if isinstance(value, Mapping)}, Path.cwd())


def _override(override: str) -> dict[str, Any]:
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise BadInput(
            "CFG-SET", "--set {met}: expected section.key=value", "for instance --set ui.language=en", met=override
        )
    value: Any = text
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    if quoted or (f"{section}.{key}" not in _PATHS and not _is_text(section, key)):
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            value = text
    return _placed({section: {key: value}}, Path.cwd())


def _is_text(section: str, key: str) -> bool:
    model = Settings.model_fields.get(section)
    field = getattr(model.annotation, "model_fields", {}).get(key) if model else None
    return field is not None and field.annotation is str


def _placed(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same with each path made absolute from `folder`; an empty path stays empty."""
    placed = {name: dict(value) if isinstance(value, Mapping) else value for name, value in table.items()}
    for name in _PATHS:
        section, key = name.split(".")
        rows = placed.get(section)
        if isinstance(rows, dict) and isinstance(rows.get(key), str):
            rows[key] = str((folder / rows[key]).resolve()) if rows[key] else ""
    return placed


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for name, value in second.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def _sentence(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, _known_keys(), n=1)
        return BadInput(
            "CFG-KEY",
            "unknown configuration key {where}",
            "did you mean {near}?" if near else "configs/default.toml lists every key",
            where=name,
            near=", ".join(near),
        )
    return BadInput(
        "CFG-VALUE",
        "configuration key {where} is {met}, expected {expected}",
        "configs/default.toml says what each key takes",
        where=name,
        met=str(first["input"])[:80],
        expected=_expected(first),
    )


def _expected(error: Any) -> str:
    """What would have been right, in signs where there are signs for it."""
    context = error.get("ctx", {})
    for name, sign in (("expected", ""), ("ge", ">= "), ("gt", "> "), ("le", "<= "), ("lt", "< "), ("pattern", "")):
        if name in context:
            return f"{sign}{context[name]}"
    return str(error["msg"])


def _known_keys() -> list[str]:
    sections = {name: getattr(field.annotation, "model_fields", {}) for name, field in Settings.model_fields.items()}
    return [*sections, *(f"{section}.{key}" for section, keys in sections.items() for key in keys)]
