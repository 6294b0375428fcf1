import re

import pytest

from uflux_stats.errors import MissingVariableError
from uflux_stats.io.catalog import CATALOG, data_source


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda source: source.key)
def test_each_source_can_be_cited(source) -> None:
    assert source.title
    assert source.licence
    assert source.citation
    assert not source.doi or re.fullmatch(r"10\.\d{4,5}/\S+", source.doi)


def test_unknown_key_names_the_known_ones() -> None:
    with pytest.raises(MissingVariableError, match="fluxnet2015"):
        data_source("fluxnet")
