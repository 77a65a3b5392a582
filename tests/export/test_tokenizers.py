"""The page's tokenizer against the tokenizers library, for every kind of tokenizer; the refusal of what it cannot read."""

from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from export import sweep, tokenizer_check
from export.families import Refusal
from export.sweep import TYPED
from export.token_text import TokenText
from tests.export import tokenizer_kinds as kinds
from tests.unit.page_texts import call


SOME = [*TYPED, *sweep.texts()[::7]]


@pytest.mark.parametrize("kind", kinds.READ)
def test_every_kind(kind, tmp_path):
    tokenizer = kinds.save(kinds.READ[kind](), tmp_path)
    print(tokenizer_check.write(tokenizer, tmp_path, len(tokenizer), SOME))


@pytest.mark.parametrize("kind", kinds.REFUSED)
def test_refused(kind, tmp_path):
    made, why = kinds.REFUSED[kind]
    tokenizer = kinds.save(made(), tmp_path)
    with pytest.raises(Refusal, match=why) as e:
        tokenizer_check.write(tokenizer, tmp_path, len(tokenizer), SOME)
    print(e.value)
