"""Small tower files in the native layout, written by the tests themselves."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

DEFAULTS = {
    "TA_F": 10.0,
    "TS_F_MDS_1": 9.0,
    "VPD_F": 5.0,
    "SW_IN_F": 150.0,
    "LW_IN_F": 300.0,
    "NETRAD": 80.0,
    "P_F": 2.0,
    "PA_F": 98.0,
    "CO2_F_MDS": 400.0,
    "GPP_NT_VUT_REF": 4.0,
    "GPP_DT_VUT_REF": 4.5,
    "RECO_NT_VUT_REF": 3.0,
    "RECO_DT_VUT_REF": 3.5,
    "NEE_VUT_REF": -1.0,
    "NEE_VUT_REF_QC": 1.0,
    "LE_F_MDS": 40.0,
    "LE_F_MDS_QC": 1.0,
    "RECO_SR": -9999,
}


def table(years: tuple[int, int] = (2001, 2001), **columns: object) -> pd.DataFrame:
    """Whole years of a tower with constant values; ``columns`` replaces some, None removes one."""
    months = pd.period_range(f"{years[0]}-01", f"{years[1]}-12", freq="M")
    frame = pd.DataFrame({"TIMESTAMP": months.strftime("%Y%m")}).assign(**DEFAULTS)
    for name, values in columns.items():
        frame = frame.drop(columns=name) if values is None else frame.assign(**{name: values})
    return frame


def file_name(site="AA-One", years=(2001, 2001), *, product="SUBSET", step="MM", version="1-4"):
    return f"FLX_{site}_FLUXNET2015_{product}_{step}_{years[0]}-{years[1]}_{version}.csv"


def write(folder: Path, frame: pd.DataFrame | None = None, name: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or file_name())
    (table() if frame is None else frame).to_csv(path, index=False)
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def csv_bytes(frame: pd.DataFrame | None = None) -> bytes:
    return (table() if frame is None else frame).to_csv(index=False).encode()


def dropped(report: pd.DataFrame, variable: str, word: str) -> int:
    """Sum of ``n`` of a variable over the reasons that contain ``word``."""
    rows = report[(report["variable"] == variable) & report["reason"].str.contains(word)]
    return int(rows["n"].sum())


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """The functions above, for tests (which do not import each other)."""
    return SimpleNamespace(
        table=table,
        file_name=file_name,
        write=write,
        zipped=zipped,
        csv_bytes=csv_bytes,
        dropped=dropped,
    )
