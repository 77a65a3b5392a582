"""Tiny random models of any architecture, as pyscripts.native has them, beside PyTorch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export import manifest
from export.architectures import linear_parts
from export.architectures.families import FAMILIES, submodule
from export.check import copies, verify, windows
from export.graph import capture
from export.weights import shards
from pyscripts.native import Model
from pyscripts.native.session import Session
from pyscripts.native.tokenizer import TextTokenizer
from tests.export import tiny
from tests.export.models import export, random_model


@dataclass
class Both:
    """One model twice."""

    native: Model
    torch_model: Any

    def projections(self) -> list[Any]:
        """[layer] the module that the heads' outputs enter, side by side."""
        family = FAMILIES[self.torch_model.config.model_type]
        layers = submodule(self.torch_model, family.layers)
        return [getattr(submodule(layer, family.mixer), family.mixer_output) for layer in layers]

    @torch.no_grad()
    def head_outputs(self, ids: list[int]) -> torch.Tensor:
        """[layer, head, position, head_size] by hooks."""
        found: list[torch.Tensor] = []
        handles = [each.register_forward_pre_hook(lambda module, args: found.append(args[0].clone()))
                   for each in self.projections()]
        self.torch_model(torch.tensor([ids]))
        for handle in handles:
            handle.remove()
        heads = self.native.manifest["heads"]
        return torch.cat([each.reshape(1, len(ids), heads, -1) for each in found]).transpose(1, 2)

    @torch.no_grad()
    def replaced(self, ids: list[int], layer: int, head: int, put: dict[int, torch.Tensor]) -> np.ndarray:
        """[vocabulary] log-probabilities after ids with a head's output replaced at some positions."""

        def hook(module: Any, args: Any) -> Any:
            each = args[0].clone().reshape(len(ids), self.native.manifest["heads"], -1)
            for position, output in put.items():
                each[position, head] = output
            return (each.reshape(args[0].shape),)

        handle = self.projections()[layer].register_forward_pre_hook(hook)
        logits = self.torch_model(torch.tensor([ids])).logits[0, -1]
        handle.remove()
        return torch.log_softmax(logits.double(), -1).numpy()


def both(architecture: str, folder: Path) -> Both:
    """A random model of the architecture, exported in fp32 without the checks of a build."""
    model = random_model(architecture, vocab_size=600, max_position_embeddings=64)
    path = export(model, folder)
    tiny.write_tokenizer(folder)
    files = [shards.split(folder / name, folder) for name in ("model.onnx", "weights.bin", "tokenizer.json")]
    facts = {
        "id": architecture, "name": architecture, "source": "a test", "revision": None, "license": None,
        "architecture": architecture, "weights": "fp32", "prefix": None, "eos": [],
        **capture.dimensions(model.config), "windows": windows.of_config(model.config),
        **linear_parts.facts(model, FAMILIES[architecture]), "copies": copies.possible(model, verify.session(path)),
    }
    made = manifest.build(facts, files)
    tokenizer = TextTokenizer((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return Both(Model(made, Session(folder, made, 1), tokenizer), model)
