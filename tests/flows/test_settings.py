import tomllib
from pathlib import Path

import pytest

from agro.domain.errors import BadInput
from flows.settings import CONFIGS, Settings, band_aliases, crops, districts, load


def test_every_key_is_in_the_default_file_and_said_there() -> None:
    text = (CONFIGS / "default.toml").read_text()
    written = tomllib.loads(text)
    for section, field in Settings.model_fields.items():
        assert set(written[section]) == set(field.annotation.model_fields)  # type: ignore[union-attr]
    for line in text.splitlines():
        assert "=" not in line.split("#")[0] or "# " in line, f"no word on {line}"


def test_later_ones_win_and_siblings_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "farm.toml"
    own.write_text('[fields]\npath = "mine.gpkg"\n[imagery]\nsource = "stac"\ncloud_margin_m = 60.0\n')
    monkeypatch.setenv("AGRO__COMPUTE__WORKERS", "3")
    settings = load(str(own), ["imagery.cloud_margin_m=80", "ui.language=en"])
    assert settings.fields.path == tmp_path / "mine.gpkg"
    assert settings.fields.few_px == 30
    assert settings.imagery.cloud_margin_m == 80
    assert settings.compute.workers == 3
    assert settings.ui.language == "en"


def test_paths_on_the_command_line_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("stac", ["imagery.catalog=c/catalog.json"]).imagery.catalog == tmp_path / "c/catalog.json"
    assert load("stac").imagery.catalog is None


@pytest.mark.parametrize(
    ("override", "code", "word"),
    [
        ("imagery.cloud_margn_m=3", "CFG-KEY", "imagery.cloud_margin_m"),
        ("imagry.source=stac", "CFG-KEY", "imagery"),
        ("imagery.source=landsat", "CFG-VALUE", "configs/default.toml"),
        ("compute.workers=1,5", "CFG-VALUE", "configs/default.toml"),
        ("compute.workers=-1", "CFG-VALUE", "configs/default.toml"),
        ("region.bounds=[1,2]", "CFG-VALUE", "configs/default.toml"),
        ("workers", "CFG-SET", "ui.language"),
    ],
)
def test_what_is_not_known_is_refused(override: str, code: str, word: str) -> None:
    with pytest.raises(BadInput) as refused:
        load("stac", [override])
    assert refused.value.refusal.code == code
    assert word in str(refused.value.refusal.as_json()["remedy"])


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[imagery\n")
    for name, code in (
        ("stacc", "CFG-MISSING"),
        (str(tmp_path / "bad.toml"), "CFG-TOML"),
        (str(tmp_path / "no.toml"), "CFG-MISSING"),
    ):
        with pytest.raises(BadInput, match=code):
            load(name)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().ui.language = "en"


def test_facts_have_versions() -> None:
    for path in CONFIGS.glob("*.toml"):
        if path.stem not in ("default", "stac", "sentinel-hub"):
            assert tomllib.loads(path.read_text())["version"], path.name
    assert {crop.code for crop in crops()} >= {"spring_wheat", "fallow"}
    assert districts("ru")["topki"] == "Топкинский район"
    with pytest.raises(BadInput, match="CFG-BANDS"):
        band_aliases(CONFIGS / "bands.toml", ["landsat"])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AGRO__FOO__BAR", "1", "CFG-KEY"),
        ("AGRO__IMAGERY", "{bad", "CFG-ENVIRONMENT"),
        ("AGRO__IMAGERY__COLLECTIONS", "plain", "CFG-ENVIRONMENT"),
    ],
)
def test_variables_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=code):
        load()


@pytest.mark.parametrize("bounds", ["[90,50,80,60]", "[nan,nan,nan,nan]", "[80,50,90,95]"])
def test_bounds_that_are_none(bounds: str) -> None:
    with pytest.raises(BadInput, match=r"region\.bounds"):
        load("default", [f"region.bounds={bounds}"])
