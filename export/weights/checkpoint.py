"""Load a found checkpoint: the model in fp32 and its tokenizer files. Offline, transformers; never remote code."""

import json
import logging
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
import transformers.modeling_gguf_pytorch_utils as gguf_loader
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_utils import no_init_weights

from export.architectures.families import Refusal
from export.sources import Source
from export.weights import gguf_file
from export.weights.layout import read_json, read_tokenizer, weight_files

# What older checkpoints store and newer classes compute: causal masks and rotation frequencies.
COMPUTED = re.compile(r"(rotary_emb\.inv_freq|\.(attn|attention)\.(masked_)?bias|\.attn\.causal_mask)$")


def load_model(source: Source) -> PreTrainedModel:
    """The checkpoint in fp32, in evaluation mode.

    Raises:
        Refusal: its configuration is wrong, or its weights are damaged or incomplete.
    """
    logging.getLogger("transformers").setLevel(logging.ERROR)
    gguf_loader.tqdm = lambda items, **_: items  # the step shows its own timer
    options: dict[str, Any] = {"gguf_file": source.gguf}
    if not source.gguf:
        empty = check_buildable(source.directory)
        check_shapes(source.directory, empty)
        options = {"use_safetensors": True, "config": empty.config}  # it says eager, whatever config.json says
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, found = AutoModelForCausalLM.from_pretrained(
                source.directory,
                torch_dtype=torch.float32,
                trust_remote_code=False,
                attn_implementation="eager",
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **options,
            )
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Refusal(f"the weights in {source.directory} cannot be read ({reason}); download them again") from None
    if others := sorted(found["mismatched_keys"]):
        path, expected = source.directory / (source.gguf or "config.json"), model.state_dict()[others[0]].shape
        raise Refusal(unlike(path, others[0], "of another size", expected))
    if missing := found["missing_keys"]:  # transformers would use random values
        raise Refusal(f"{source.directory} lacks {len(missing)} of the model's weights, such as {missing[0]}")
    dropped = [name for name in found["unexpected_keys"] if not COMPUTED.search(name)]
    if source.gguf:
        dropped += gguf_file.unread_tensors(source.directory / source.gguf, model)
    if dropped:  # transformers would ignore them
        names = ", ".join(sorted(dropped)[:3]) + (" and others" if len(dropped) > 3 else "")
        kind = type(model).__name__
        raise Refusal(f"{source.directory} has {len(dropped)} weights that {kind} does not use ({names})")
    if source.gguf:
        gguf_file.apply_rope_factors(source.directory / source.gguf, model)
    else:
        check_head(source.directory, model)
    broken = next((name for name, p in model.named_parameters() if not torch.isfinite(p).all()), None)
    if broken:
        raise Refusal(f"{source.directory}: {broken} contains NaN or infinity; the checkpoint is damaged")
    model.config.return_dict = True  # whatever config.json says: the checks read outputs by name
    return model.eval()


def check_buildable(directory: Path) -> PreTrainedModel:
    """The model without its weights, for which nothing is allocated, however large config.json says that it is.

    Raises:
        Refusal: transformers cannot make one; gives its reason.
    """
    path = directory / "config.json"
    try:
        with warnings.catch_warnings(), init_empty_weights(include_buffers=True), no_init_weights():
            warnings.simplefilter("ignore")
            config = AutoConfig.from_pretrained(directory, trust_remote_code=False)
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, attn_implementation="eager")
    except Exception as error:  # transformers raises what comes to hand
        stated = json.loads(path.read_text(encoding="utf-8"))
        unknown = error.args if isinstance(error, KeyError) else ()  # a value that it does not know
        fields = [f"{name}: " for name, value in stated.items() if value in unknown]
        reason = f"{''.join(fields[:1])}{error}".strip().splitlines()[0]
        raise Refusal(f"{path} describes a model that cannot be built ({reason}); correct it") from None
    return model


def check_shapes(directory: Path, empty: PreTrainedModel) -> None:
    """Refuse a config.json with other sizes than the stored weights have.

    Raises:
        Refusal: names a weight.
    """
    prefix = f"{empty.base_model_prefix}."  # a checkpoint may have it or not
    expected = {name.removeprefix(prefix): (name, parameter.shape) for name, parameter in empty.named_parameters()}
    for file_name in weight_files(str(directory), os.listdir(directory), lambda name: read_json(directory, name)):
        with safe_open(directory / file_name, "pt") as file:
            for key in file.keys():  # noqa: SIM118 (it is no dict)
                name, shape = expected.get(key.removeprefix(prefix), (key, None))
                stored = tuple(file.get_slice(key).get_shape())
                if shape is not None and stored != shape:
                    raise Refusal(unlike(directory / "config.json", name, " × ".join(map(str, stored)), shape))


def unlike(path: Path, name: str, stored: str, expected: tuple[int, ...]) -> str:
    """The sentence for a weight of another size than the configuration says."""
    why = f"does not fit the weights: {name} is {stored}, but should be {' × '.join(map(str, expected))}"
    return f"{path} {why}; correct it, or download it again"


def check_head(directory: Path, model: PreTrainedModel) -> None:
    """Refuse a tied checkpoint whose own unembedding differs from its embedding; transformers would overwrite it.

    Raises:
        Refusal: names the setting.
    """
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head.weight is not embedding.weight:
        return
    name = next(f"{path}.weight" for path, module in model.named_modules() if module is head)
    for path in sorted(directory.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            if name in set(file.keys()):
                own = file.get_tensor(name).float()
                if own.shape != head.weight.shape or not torch.equal(own, head.weight):
                    what = "has an unembedding of its own, but its config says tie_word_embeddings"
                    raise Refusal(f"{directory} {what}; correct config.json")


def write_tokenizer(source: Source, directory: Path) -> PreTrainedTokenizerFast:
    """Write tokenizer.json and tokenizer_config.json; the checkpoint's own files are kept as they are."""
    if source.gguf:
        gguf_file.write_tokenizer(source.directory / source.gguf, directory)
        return PreTrainedTokenizerFast.from_pretrained(directory)
    tokenizer = read_tokenizer(source.directory, str(source.directory), os.listdir(source.directory))
    tokenizer.save_pretrained(directory / "tokenizer")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        own = source.directory / name
        shutil.copyfile(own if own.exists() else directory / "tokenizer" / name, directory / name)
    shutil.rmtree(directory / "tokenizer")
    return tokenizer
