"""The page's Run and the native one of the same text are the same; real Chromium."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from pyscripts.native import load
from tests.e2e.likelihood import open_view
from tests.e2e.reference import ReferenceModel

TEXTS = json.loads((Path(__file__).resolve().parents[2] / "site/examples.json").read_text(encoding="utf-8"))
READ = [*(example["text"][:600] for example in TEXTS), "🦩 e\u0301 ½ <|endoftext|>\r\n\ta", "a"]
SETTINGS = {"maxTokens": 8, "temperature": 0.9, "topP": 0.95, "repetitionPenalty": 1.2, "seed": 5}


def same_run(found: dict, expected: dict, reference: ReferenceModel) -> None:
    """The same Run; ranks differ at most by the tokens whose logits float32 cannot tell apart."""
    ids = [found["prefix"]["id"]] if found["prefix"] else []
    logprobs = reference.read([*ids, *(token["id"] for token in found["tokens"])]).logprobs
    for place, (one, other) in enumerate(zip(found["tokens"], expected["tokens"], strict=True), len(ids) - 1):
        if one["rank"] != other["rank"]:
            alike = np.abs(logprobs[place] - logprobs[place, one["id"]]) < 1e-5
            assert abs(one["rank"] - other["rank"]) < alike.sum(), (place, one["rank"], other["rank"])
            other["rank"] = one["rank"]
    same(found, expected)


def same(found: Any, expected: Any, at: str = "Run") -> None:
    """Numbers within 1e-4 of their size, everything else equal; timings aside."""
    if isinstance(expected, float) and found is not None:
        assert abs(found - expected) <= 1e-4 * max(1, abs(expected)), (at, found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), at
        for key in expected.keys() - {"timings"}:
            same(found[key], expected[key], f"{at}.{key}")
    elif isinstance(expected, list) and expected and isinstance(expected[0], list | dict | float | None):
        assert len(found) == len(expected), at
        if isinstance(expected[0], dict | list):
            for i, (one, other) in enumerate(zip(found, expected, strict=True)):
                same(one, other, f"{at}[{i}]")
        else:
            np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-4, atol=1e-4)
    else:
        assert found == expected, (at, found, expected)


def test_the_page_and_the_library_agree(
    browser: Browser, tiny_site: str, tiny_models: Path, checkpoints: Path
) -> None:
    model, reference = load(tiny_models / "tiny-gpt2", threads=1), ReferenceModel(checkpoints / "tiny-gpt2")
    with open_view(browser, f"{tiny_site}#model=tiny-gpt2") as page:
        page.evaluate("tokenlight.ready")
        for text in READ:
            same_run(model.read(text).to_json(), page.evaluate("text => tokenlight.analyze(text)", text), reference)
        call = "([text, options]) => tokenlight.analyze(text, options)"
        bare = page.evaluate(call, [READ[0], {"prefix": False, "literal": True, "topK": 3}])
        same(model.read(READ[0], prefix=False, literal=True, top_k=3).to_json(), bare)
        strided = page.evaluate(call, [READ[0] * 6, {"stride": 100}])
        same(model.read(READ[0] * 6, stride=100).to_json(), strided)
        written = page.evaluate("([text, options]) => tokenlight.generate(text, options)", ["The quick", SETTINGS])
    settings: dict[str, Any] = {"temperature": 0.9, "top_p": 0.95, "repetition_penalty": 1.2, "seed": 5}
    same(model.generate("The quick", max_tokens=8, **settings).to_json(), written)
