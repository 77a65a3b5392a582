// The models that this site offers; main thread.

import { fetchIndex, MODELS } from '../shared/manifest.js';
import * as state from './state.js';

export async function listModels() {
  const found = await fetchIndex(MODELS);
  if (!found.length) throw new Error('This site has no model yet.');
  state.models.value = found;
}

/** What to say of a model that this site does not have; null if it has it. @param {string} id */
export const lacking = (id) => (state.models.value.some((entry) => entry.id === id) ? null : `There is no model “${id.slice(0, 60)}” here.`);
