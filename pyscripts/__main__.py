"""The command `tokenlight`, also available as `python -m pyscripts`."""

import sys


def main() -> int:
    """Runs the command line; exit code 2 and one line on stderr if a package it needs is not installed."""
    try:
        from pyscripts.native.__main__ import main as command
    except ModuleNotFoundError as error:
        if error.name not in ("onnxruntime", "tokenizers"):
            raise
        print(f"error: {error.name} is not installed: pip install 'tokenlight[native]'.", file=sys.stderr)
        return 2
    return command()


if __name__ == "__main__":
    sys.exit(main())
