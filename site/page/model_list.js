// The models that this site offers; main thread.

import { fetchIndex, MODELS } from '../shared/manifest.js';
import * as state from './state.js';

/** Reads the list, again if it lacks a model; a known one stays if the site does not answer. @param {string | null} wanted see fetchIndex */
export async function listModels(wanted) {
  const { value: known } = state.models;
  const found = await fetchIndex(MODELS, wanted).catch((error) => {
    if (!known.length) throw error;
    return known;
  });
  if (!found.length) throw new Error('This site has no model yet.');
  state.models.value = found;
}

/** What to say of a model that this site does not have; null if it has it. @param {string} id */
export const lacking = (id) => (state.models.value.some((entry) => entry.id === id) ? null : `There is no model “${id.slice(0, 60)}” here.`);
