import io

import pandas as pd

from agro.store.tables import from_parquet, to_csv, to_parquet

TABLE = pd.DataFrame({"field_id": ["a", "=HYPERLINK(1)", "-5"], "acquired_at": pd.to_datetime(["2021-07-01T05:00:00Z"] * 3), "mean": [0.5, None, -0.25], "flag": ["", "@x", "no"]})  # fmt: skip


def test_parquet_comes_back_and_is_equal_for_equal_input() -> None:
    content = to_parquet(TABLE)
    assert content == to_parquet(TABLE.copy())
    pd.testing.assert_frame_equal(from_parquet(content), TABLE)


def test_csv_has_points_utc_and_no_formulas() -> None:
    text = to_csv(TABLE)
    assert text.splitlines()[0] == "field_id,acquired_at,mean,flag"
    assert text.splitlines()[1] == "a,2021-07-01T05:00:00Z,0.5,"
    assert text.splitlines()[2] == "'=HYPERLINK(1),2021-07-01T05:00:00Z,,'@x"
    assert text.splitlines()[3].startswith("-5,")  # an id that is a number stays one
    assert pd.read_csv(io.StringIO(text))["mean"].iloc[2] == -0.25
    fine = pd.DataFrame({"at": pd.to_datetime(["2023-08-21T22:19:41.024Z"])})
    assert "22:19:41.024000Z" in to_csv(fine)
