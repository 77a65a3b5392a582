"""The inference worker's queue: what was ended for good stays ended, what was postponed says so; queue.js in Node."""

from __future__ import annotations

import json
import subprocess

import pytest

from export.site.serve import SITE
from tests.unit.page_texts import NODE

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node (make)")

CALL = """
import(process.argv[1]).then(async ({ Queue, Ended, Postponed }) => {
  const reasons = { postponed: () => new Postponed(), ended: () => new Ended('Stopped.') };
  const outcomes = [];
  for (const steps of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
    const queue = new Queue();
    let begun;
    const running = new Promise((resolve) => (begun = resolve));
    const done = queue.add('lab', async (signal) => {
      begun();
      await new Promise((resolve) => setTimeout(resolve, 5)); // a pass, during which all of the reasons come
      signal.throwIfAborted();
      return 'answered';
    });
    await running;
    for (const step of steps)
      queue.end(reasons[step.replace('all ', '')](), step.startsWith('all') ? undefined : 'lab');
    const waiting = queue.add('run', async () => 'next');
    outcomes.push([await done.catch((error) => error.constructor.name), await waiting]);
  }
  process.stdout.write(JSON.stringify(outcomes));
});
"""


def test_a_reason_for_good_outlives_a_postponement() -> None:
    """The lab begins postponed requests again: not one that was ended while it was being postponed. A run of the page
    postpones the lab's requests, then ends all others."""
    steps = [[], ["postponed"], ["ended"], ["postponed", "ended"], ["ended", "postponed"], ["postponed", "postponed"]]
    steps += [["postponed", "all ended"], ["all ended"], ["postponed", "all ended", "ended"]]
    command = [str(NODE), "-e", CALL, (SITE / "inference/queue.js").as_uri()]
    done = subprocess.run(command, input=json.dumps(steps), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first = ["answered", "Postponed", "Ended", "Ended", "Ended", "Postponed"]
    first += ["Postponed", "Ended", "Ended"]
    assert json.loads(done.stdout) == [[each, "next"] for each in first]
