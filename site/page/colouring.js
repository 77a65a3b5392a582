// The colouring of the current and later runs; main thread.

import { analysis } from './models.js';
import * as state from './state.js';

/**
 * Colours the current and later runs by one of the colourings of pyscripts/colour/colourings.py.
 * @param {string} id @param {boolean} [words] whether whole words are coloured and inspected
 */
export async function setColouring(id, words = state.settings.value.words) {
  state.settings.value = { ...state.settings.value, colouring: id, words };
  const part = analysis();
  if (!part || !state.colourings.value.length) return; // Python reads the setting when it starts
  await part.wait(part.api.colour(id, words));
}
