"""The command line of export/build.py: its options, and what they may not be."""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("int8", "fp16", "fp32")

ABOUT = """Export causal language models to the files the page loads: `python export/build.py MODEL…`.

MODEL is a name from --list, a hub id (owner/name), a local folder saved by transformers, or a .gguf file.
"""
EXAMPLES = """examples:
  python export/build.py                                 gpt2, or smollm2 if the model hub cannot be reached
  python export/build.py smollm2 pythia-70m              names from --list
  python export/build.py owner/name --revision main      a model from the hub
  python export/build.py path/to/checkpoint --name mine  a folder written by save_pretrained
  python export/build.py path/to/model.gguf              Llama, Qwen2 or Qwen3
  python export/build.py gpt2 --weights fp16 --force     build again with 16 bits per weight
  python export/build.py --remove mine                   delete a build
"""


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="export/build.py",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: gpt2, or smollm2 without the hub")
    parser.add_argument("--weights", choices=FORMATS, default="int8", help="weight format (default: int8)")
    parser.add_argument("--revision", help="a hub commit, branch or tag")
    parser.add_argument("--name", help="name in the page (default: the model's own)")
    parser.add_argument("--out", type=_folder, default=ROOT / "site" / "models", help="default: site/models")
    parser.add_argument("--list", action="store_true", help="list the known models and exit")
    parser.add_argument("--remove", metavar="NAME", help="delete a build and its entry in the page's menu, and exit")
    parser.add_argument(
        "--force",
        action="store_true",
        help="build a model of --list again that is already built, or replace another model of the same name "
        "(a folder, a .gguf file or a hub id is always built again)",
    )
    parser.add_argument("--offline", action="store_true", help="use only files that are on this machine")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(argv)
    if options.name is not None and len(options.models) > 1:
        parser.error("--name needs exactly one MODEL")
    if options.revision is not None and len(options.models) != 1:
        parser.error("--revision needs exactly one MODEL")
    defaults = vars(parser.parse_args([]))
    given = [name for name, value in vars(options).items() if value != defaults[name] and name != "debug"]
    for action, used in (("list", {"list"}), ("remove", {"remove", "out"})):
        unused = [name for name in given if name not in used]
        if action in given and unused:
            what = "a MODEL" if unused[0] == "models" else f"--{unused[0]}"
            parser.error(f"--{action} cannot be combined with {what}")
    return options


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("must name a folder")
    return Path(text)
