// What a user changes inside the model: heads scaled, links cut, vectors added; checked and put in one order; pure, both threads.
// The same rules as in pyscripts/interventions.py.

/** @import {Interventions, Manifest} from './protocol.js' */

/** Sizes that anything is within, for interventions whose model is not there yet. @type {Sizes} */
const ANY = {
  name: 'the model', layers: 1e9, heads: 1e9, head_size: NaN, hidden_size: NaN, context_length: 1e9,
  inputs: /** @type {any} */ (Object.fromEntries(['head_mask', 'attention_bias', 'residual_add', 'head_output_add'].map((name) => [name, name]))),
};

/** @typedef {Pick<Manifest, 'name' | 'layers' | 'heads' | 'head_size' | 'hidden_size' | 'context_length' | 'inputs'>} Sizes */

const MOST_SCALE = 1000;
export const MOST_VALUE = 1e9; // of a number that is added
const NEEDED = /** @type {const} */ ({ heads: 'head_mask', cut: 'attention_bias', add: 'residual_add' });

/** Whether the graph's head_mask has four axes; it came with residual_add. @param {Pick<Manifest, 'inputs'>} manifest */
export const isWide = ({ inputs }) => Boolean(inputs.residual_add);

/**
 * Whether a head's output can be replaced by its mean or another text's; see pyscripts/metrics/head_outputs.py.
 * @param {Pick<Manifest, 'inputs' | 'head_outputs'>} manifest
 */
export const hasHeadOutputs = ({ inputs, head_outputs: exact = true }) => Boolean(inputs.head_output_add) && exact;

/**
 * The interventions in one order, so that equal ones are equal as JSON; {} for none.
 * @param {unknown} given undefined: none @param {Sizes} [model] not given: any
 * @returns {Interventions} TypeError or RangeError, naming what is wrong
 */
export function checkedInterventions(given, model = ANY) {
  const lists = given === undefined ? {} : objectOf(given, '', [], Object.keys(NEEDED));
  /** @type {Interventions} */
  const found = {};
  for (const name of /** @type {(keyof typeof NEEDED)[]} */ (Object.keys(NEEDED))) {
    const { [name]: list = [] } = lists;
    if (!Array.isArray(list)) throw new TypeError(`interventions: ${name} must be a list.`);
    if (!list.length) continue;
    const rule = { heads: headOf, cut: cutOf, add: addOf }[name];
    const rows = Array.from(list, (entry, i) => rule(entry, `${name}[${i}]`, model)); // unlike map, it sees the holes of a sparse array
    const lacking = rows.map((row) => (name === 'add' && 'head' in row ? 'head_output_add' : NEEDED[name])).find((input) => !model.inputs[input]);
    if (lacking) throw new RangeError(`${model.name} was exported without ${lacking}. Choose another model.`);
    found[name] = /** @type {any} */ (rows.map((row) => ({ row, key: JSON.stringify(row) })).sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ row }) => row));
  }
  const heads = found.heads ?? [];
  if (new Set(heads.map(({ layer, head }) => `${layer}.${head}`)).size < heads.length) throw new RangeError('interventions: the same head is scaled twice.');
  return found;
}

/** @param {unknown} given @param {string} where @param {string[]} needed @param {string[]} known @returns {Record<string, unknown>} */
function objectOf(given, where, needed, known) {
  const what = where ? `interventions: ${where}` : 'interventions';
  if (given === null || typeof given !== 'object' || Array.isArray(given)) throw new TypeError(`${what} must be an object.`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} has no ${unknown.slice(0, 60)}. It may have ${known.join(', ')}.`);
  const missing = needed.find((name) => /** @type {any} */ (given)[name] === undefined);
  if (missing !== undefined) throw new TypeError(`${what} has no ${missing}.`);
  return /** @type {Record<string, unknown>} */ (given);
}

/** @param {unknown} value @param {string} where @param {number} most @returns {number} */
function wholeOf(value, where, most) {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most) return Number(value);
  throw new RangeError(`interventions: ${where} must be a whole number from 0 to ${most}.`);
}

/** @param {unknown} value @param {string} where @param {number} most @returns {number[]} sorted, each once */
function wholesOf(value, where, most) {
  if (!Array.isArray(value) || !value.length) throw new TypeError(`interventions: ${where} must be a list of at least one whole number.`);
  return [...new Set(Array.from(value, (each) => wholeOf(each, where, most)))].sort((a, b) => a - b);
}

/** @param {unknown} value @param {string} where @param {number} most @returns {number} */
function numberOf(value, where, most) {
  if (typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= most) return value;
  throw new RangeError(`interventions: ${where} must be a number from ${-most} to ${most}.`);
}

/** @param {unknown} given @param {string} where @param {Sizes} model */
function headOf(given, where, { layers, heads }) {
  const names = ['layer', 'head', 'scale'];
  const { layer, head, scale } = objectOf(given, where, names, names);
  return { layer: wholeOf(layer, `${where}.layer`, layers - 1), head: wholeOf(head, `${where}.head`, heads - 1), scale: numberOf(scale, `${where}.scale`, MOST_SCALE) };
}

/** @param {unknown} given @param {string} where @param {Sizes} model */
function cutOf(given, where, model) {
  const entry = objectOf(given, where, ['query', 'keys'], ['query', 'keys', 'layers', 'heads']);
  const last = model.context_length - 1;
  const query = entry.query === null ? null : wholeOf(entry.query, `${where}.query`, last);
  const keys = wholesOf(entry.keys, `${where}.keys`, last);
  if (query !== null && keys[keys.length - 1] >= query) throw new RangeError(`interventions: ${where}.keys must come before the query, position ${query}.`);
  const some = (/** @type {'layers' | 'heads'} */ name) => ((entry[name] ?? null) === null ? {} : { [name]: wholesOf(entry[name], `${where}.${name}`, model[name] - 1) });
  return { query, keys, ...some('layers'), ...some('heads') };
}

/** @param {unknown} given @param {string} where @param {Sizes} model */
function addOf(given, where, { layers, heads, head_size, hidden_size, context_length }) {
  const entry = objectOf(given, where, ['layer', 'position', 'vector'], ['layer', 'position', 'vector', 'head']);
  const ofHead = (entry.head ?? null) !== null;
  const size = ofHead ? head_size : hidden_size;
  const vector = /** @type {any} */ (entry.vector);
  const isList = Array.isArray(entry.vector) || ArrayBuffer.isView(entry.vector);
  if (!isList || (vector.length !== size && !Number.isNaN(size))) throw new TypeError(`interventions: ${where}.vector must be a list of ${size} numbers.`);
  return {
    ...(ofHead ? { head: wholeOf(entry.head, `${where}.head`, heads - 1) } : {}),
    layer: wholeOf(entry.layer, `${where}.layer`, layers - Number(ofHead)),
    position: entry.position === null ? null : wholeOf(entry.position, `${where}.position`, context_length - 1),
    vector: Array.from(vector, (value) => numberOf(value, `${where}.vector`, MOST_VALUE)),
  };
}
