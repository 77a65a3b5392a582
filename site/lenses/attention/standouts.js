// The heads that stand out in a model by its scores, as Python names them; main thread.

import * as state from '../../page/state.js';

/** @import {HeadGrid} from '../../shared/protocol.js' */

/** Those of the model that was last asked about: they stay listed while a text is read. */
let known = { model: '', labels: /** @type {HeadGrid['labels']} */ ([]) };

/** Those of the current run's model. @param {HeadGrid | null} heads the answer about it; null: there is none now */
export function labelsOf(heads) {
  const model = state.run.value?.conditions.model ?? '';
  if (heads) known = { model, labels: heads.labels };
  return known.model === model ? known.labels : [];
}
