import polars as pl
import pytest

from onex_analytics.frames.error_names import canonical_code
from onex_analytics.model.error_codes import ErrorCodeTaxonomy


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" [onex_rt_400] ", "ONEX_RT_400_NODE_INITIALIZATION_FAILED"),
        ("ONEX_RT_400_OTHER_NAME", "ONEX_RT_400_OTHER_NAME"),
        ("SC001", "SC001"),
        ("", ""),
        (None, None),
    ],
)
def test_a_code_has_its_long_form_where_one_is_known(text, name):
    frame = pl.DataFrame({"error_code": [text]}, schema={"error_code": pl.String})
    assert frame.select(canonical_code()).item() == name


def test_every_spelling_is_named_as_the_taxonomy_resolves_it():
    taxonomy = ErrorCodeTaxonomy.default()
    texts = sorted({text for code in taxonomy.codes for text in (code.code, code.short, code.name) if text})
    named = pl.DataFrame({"error_code": texts}).select(canonical_code())["error_code"].to_list()
    resolved = [taxonomy.resolve(text).code for text in texts]
    assert named == [text if code is None else code.code for text, code in zip(texts, resolved, strict=True)]
