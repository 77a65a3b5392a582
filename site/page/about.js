// What saved pictures say of the run that they are of: model, prefix token, interventions, text and version; main thread.

import { sha256OfText } from '../shared/sha256.js';
import * as state from './state.js';

/** JSON for a picture's metadata; {} without a run. */
export async function aboutRun() {
  const run = state.run.value;
  if (!run) return {};
  const { conditions, model, tokens } = run;
  const { id, name, weights, revision } = model;
  return {
    made_by: state.madeBy.value,
    model: { id, name, weights, revision, sha256: conditions.model },
    prefix: conditions.prefix,
    interventions: JSON.parse(conditions.interventions),
    text_sha256: await sha256OfText(tokens.text),
  };
}
