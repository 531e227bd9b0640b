"""SAFE products made for the tests: metadata in the product's own words, bands as lossless JPEG 2000."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from workshop import GREEN

from agro.sources.safe_metadata import BANDS

_ORDER = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
NAME = "S2B_MSIL2A_20220701T050709_N0400_R019_T45UVB_20220701T070709"


def write_safe(
    folder: Path,
    reflectance: Mapping[str, float | np.ndarray] = GREEN,
    offsets: Mapping[str, int] | None = None,
    baseline: str = "04.00",
    name: str = NAME,
    west: int = 400_000,
    north: int = 6_100_000,
    side: int = 128,
    level: str = "Level-2A",
) -> Path:
    """A product of side x side pixels of 10 m; `offsets` [counts] by physical band, -1000 where not named."""
    root = folder / f"{name}.SAFE"
    granule = "GRANULE/L2A_T45UVB_A027000_20220701T050711"
    counted = dict.fromkeys(_ORDER, -1000) | dict(offsets or {})
    files, listed = {}, []
    for band, (code, size, physical) in BANDS.items():
        path = f"{granule}/IMG_DATA/R{size}m/T45UVB_20220701T050709_{code}_{size}m"
        n = side * 10 // size
        if band == "scl":
            pixels = np.full((n, n), 4, "uint8")
        else:
            add = counted[physical] if baseline >= "04" else 0
            value = reflectance.get(band, 0.03)
            pixels = np.rint(np.broadcast_to(np.asarray(value, "float64"), (n, n)) * 10_000 - add).astype("uint16")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        place = {"crs": "EPSG:32645", "transform": from_origin(west, north, size, size)}
        with rasterio.open(
            root / f"{path}.jp2", "w", driver="JP2OpenJPEG", height=n, width=n, count=1, dtype=pixels.dtype,
            QUALITY="100", REVERSIBLE="YES", blockxsize=64, blockysize=64, **place,
        ) as raster:  # fmt: skip
            raster.write(pixels, 1)
        (root / f"{path}.jp2.aux.xml").unlink(missing_ok=True)
        listed.append(path)
        content = (root / f"{path}.jp2").read_bytes()
        files[f"./{path}.jp2"] = len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()
    (root / "MTD_MSIL2A.xml").write_text(_product(name, baseline, level, listed, counted))
    (root / granule / "MTD_TL.xml").write_text(_tile(west, north, side))
    objects = "".join(
        f'<dataObject><byteStream size="{size}"><fileLocation href="{path}"/><checksum checksumName="MD5">{md5}</checksum></byteStream></dataObject>'
        for path, (size, md5) in files.items()
    )
    (root / "manifest.safe").write_text(f"<XFDU>{objects}</XFDU>")
    return root


def zipped(root: Path) -> Path:
    """The same as it is downloaded."""
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                archive.write(file, f"{root.name}/{file.relative_to(root)}")
    return path


def band_of(root: Path, code: str) -> Path:
    return next(root.rglob(f"*_{code}.jp2"))


def _product(name: str, baseline: str, level: str, listed: list[str], offsets: Mapping[str, int]) -> str:
    images = "".join(f"<IMAGE_FILE>{path}</IMAGE_FILE>" for path in listed)
    told = "".join(f'<BOA_ADD_OFFSET band_id="{n}">{offsets[b]}</BOA_ADD_OFFSET>' for n, b in enumerate(_ORDER))
    told = f"<BOA_ADD_OFFSET_VALUES_LIST>{told}</BOA_ADD_OFFSET_VALUES_LIST>" if baseline >= "04" else ""
    bands = "".join(f'<Spectral_Information bandId="{n}" physicalBand="{b}"/>' for n, b in enumerate(_ORDER))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><Product_Info><PRODUCT_START_TIME>2022-07-01T05:07:09.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{name}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>{level}</PROCESSING_LEVEL><PRODUCT_TYPE>S2MSI2A</PRODUCT_TYPE>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE><GENERATION_TIME>2022-07-01T07:07:09Z</GENERATION_TIME>
<Datatake datatakeIdentifier="GS2B_20220701T050709_027000_N{baseline}"><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME>
<DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE><SENSING_ORBIT_NUMBER>19</SENSING_ORBIT_NUMBER>
<SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION></Datatake>
<Product_Organisation>{images}</Product_Organisation></Product_Info><Product_Image_Characteristics>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>{told}
<Reflectance_Conversion><U>0.97</U></Reflectance_Conversion>{bands}</Product_Image_Characteristics></n1:General_Info>
<n1:Geometric_Info><EXT_POS_LIST>55.05 85.4 55.05 85.5 55.0 85.5 55.0 85.4 55.05 85.4</EXT_POS_LIST></n1:Geometric_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>1.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:Level-2A_User_Product>"""


def _tile(west: int, north: int, side: int) -> str:
    places = "".join(
        f'<Size resolution="{s}"><NROWS>{side * 10 // s}</NROWS><NCOLS>{side * 10 // s}</NCOLS></Size>'
        f'<Geoposition resolution="{s}"><ULX>{west}</ULX><ULY>{north}</ULY></Geoposition>'
        for s in (10, 20)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
<n1:General_Info><TILE_ID>S2B_OPER_MSI_L2A_TL_VGS2_20220701T070709_A027000_T45UVB_N04.00</TILE_ID>
<DATASTRIP_ID>S2B_OPER_MSI_L2A_DS_VGS2_20220701T070709_S20220701T050711_N04.00</DATASTRIP_ID></n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32645</HORIZONTAL_CS_CODE>{places}</Tile_Geocoding>
<Tile_Angles><Mean_Sun_Angle><ZENITH_ANGLE>40.0</ZENITH_ANGLE><AZIMUTH_ANGLE>160.0</AZIMUTH_ANGLE></Mean_Sun_Angle>
<Mean_Viewing_Incidence_Angle_List><Mean_Viewing_Incidence_Angle bandId="0"><ZENITH_ANGLE>3.0</ZENITH_ANGLE>
<AZIMUTH_ANGLE>40.0</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle></Mean_Viewing_Incidence_Angle_List></Tile_Angles>
</n1:Geometric_Info></n1:Level-2A_Tile_ID>"""
