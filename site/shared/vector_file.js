// A steering vector as a small JSON file: written, and checked when it is opened; pure, any thread.

import { MOST_VALUE } from './interventions.js';

/** @import {Manifest} from './protocol.js' */
/** What is added to the residual stream that enters a layer. @typedef {{ layer: number, vector: number[] }} Steering */

const SCHEMA = 'tokenlight.vector/1';

/** @param {Pick<Manifest, 'sha256' | 'name'>} manifest @param {Steering} steering */
export const vectorFile = ({ sha256, name }, { layer, vector }) => JSON.stringify({ schema: SCHEMA, model: sha256, model_name: name, layer, vector });

/**
 * @param {string} text of the file @param {Pick<Manifest, 'sha256' | 'name' | 'layers' | 'hidden_size'>} manifest of the model that it is for
 * @returns {Steering} Error: what is wrong, in a sentence
 */
export function readVectorFile(text, manifest) {
  /** @type {Record<string, unknown> | null} */
  let file = null;
  try {
    file = JSON.parse(text);
  } catch {
    // said below
  }
  if (file === null || typeof file !== 'object' || file.schema !== SCHEMA) throw new Error('This is not a vector that was saved here: choose a file saved by “Save the vector”.');
  const { model, model_name: name, layer, vector } = file;
  if (model !== manifest.sha256) throw new Error(`This vector was made for ${typeof name === 'string' ? name.slice(0, 80) : 'another model'}, not for this ${manifest.name}. Load that model first.`);
  const whole = Number.isInteger(layer) && Number(layer) >= 0 && Number(layer) <= manifest.layers;
  const numbers = Array.isArray(vector) && vector.length === manifest.hidden_size && vector.every((value) => typeof value === 'number' && Math.abs(value) <= MOST_VALUE);
  if (!whole || !numbers) throw new Error(`This file is damaged: it needs a layer from 0 to ${manifest.layers} and ${manifest.hidden_size} numbers.`);
  return { layer: Number(layer), vector };
}
