"""Calls functions of one of the page's JavaScript modules under Node, for the tests."""

import json
import subprocess
from typing import Any

from export.site.serve import SITE
from tests.unit.page_texts import NODE

CALL = """
import(process.argv[1]).then((module) => {
  const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value, Number) : value);
  const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify(calls.map(([name, ...given]) => module[name](...given)), plain));
});
"""


def run(script: str, module: str, given: Any) -> Any:
    """What a script prints as JSON; the module's address is its argument, `given` is on its stdin as JSON."""
    command = [str(NODE), "-e", script, (SITE / module).as_uri()]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def call(module: str, *calls: list[Any]) -> list[Any]:
    """The results of calls [name, argument, …] of what the module exports; typed arrays as lists."""
    results: list[Any] = run(CALL, module, calls)
    return results
