"""What the peers of `make bench-peers` run: their npm packages, and SmolLM2 in their formats. Offline, PyTorch.

All come from the checkpoint that the page's model is built from, so that what differs is what a format or a library
did. They are kept under export/.cache/peers and in tests/peers/node_modules, outside of git and of the page.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize
from rich.console import Console

from export import sources
from export.site import runtime
from export.weights import checkpoint

PEERS = Path(__file__).resolve().parent
GGUF = {"Q8_0": GGMLQuantizationType.Q8_0, "F16": GGMLQuantizationType.F16}


def install() -> Path:
    """The npm packages of package-lock.json; returns node_modules.

    onnxruntime-node and sharp, which transformers.js has for servers, are overridden by a small package: 300 MB less.
    """
    runtime.install_npm_packages(Console(stderr=True), PEERS)
    return PEERS / "node_modules"


def write_gguf(source: Path, target: Path, kind: GGMLQuantizationType) -> None:
    """The same GGUF with every matrix stored as `kind`; vectors stay in fp32."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer's own
        kinds: list[Any] = field.types
        inner = kinds[-1] if kinds[0] is GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kinds[0], sub_type=inner)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        stored = kind if values.ndim > 1 else GGMLQuantizationType.F32
        writer.add_tensor(tensor.name, quantize(values, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_onnx(source: sources.Source, folder: Path) -> None:
    """What transformers.js loads: optimum's plain export in fp32, and dynamic int8 as its `q8` files are made."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from optimum.exporters.onnx import main_export

    with tempfile.TemporaryDirectory() as name:
        saved = Path(name)
        model = checkpoint.load_model(source)
        model.save_pretrained(saved)
        checkpoint.write_tokenizer(source, saved)
        main_export(str(saved), folder, task="text-generation-with-past", do_validation=False, local_files_only=True)
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx/model.onnx")
    quantize_dynamic(
        folder / "onnx/model.onnx",
        folder / "onnx/model_quantized.onnx",
        weight_type=QuantType.QInt8,
        extra_options={"EnableSubgraph": True, "MatMulConstBOnly": True},
    )


def files() -> Path:
    """The folder with all models for the peers, made if it is not there: `smollm2/` (ONNX) and `smollm2-*.gguf`."""
    folder, unfinished = sources.CACHE / "peers", sources.CACHE / "peers.unfinished"
    if folder.exists():
        return folder
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    source = sources.find("smollm2", None, False)
    assert source.gguf is not None
    gguf = source.directory / source.gguf
    shutil.copyfile(gguf, unfinished / "smollm2-Q4_1.gguf")
    for name, kind in GGUF.items():
        write_gguf(gguf, unfinished / f"smollm2-{name}.gguf", kind)
    write_onnx(source, unfinished / "smollm2")
    unfinished.rename(folder)
    return folder
