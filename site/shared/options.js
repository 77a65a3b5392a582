// The options of analyze and generate: names, types, ranges and defaults, for scripts and the settings form; pure, both threads.

/** @import {AnalyzeOptions, GenerateOptions} from './protocol.js' */

/** @typedef {{ type: 'whole' | 'number' | 'flag', least?: number, most?: number }} Rule */

const MAX_TOP_K = 50; // alternatives kept for each token, as in pyscripts/trace.py
const MAX_SEED = 2 ** 31;
const LONGEST = 10_000_000; // tokens; no context comes near

/** @type {Record<string, Rule>} */
const ANALYZE = { topK: { type: 'whole', least: 0, most: MAX_TOP_K }, prefix: { type: 'flag' }, literal: { type: 'flag' } };

/** Also the limits of the settings form. @type {Record<string, Rule>} */
export const GENERATE = {
  maxTokens: { type: 'whole', least: 0, most: 100_000 },
  temperature: { type: 'number', least: 0, most: 100 },
  topK: { type: 'whole', least: 0, most: LONGEST },
  topP: { type: 'number', least: 0, most: 1 },
  minP: { type: 'number', least: 0, most: 1 },
  repetitionPenalty: { type: 'number', least: 0.01, most: 100 },
  frequencyPenalty: { type: 'number', least: -100, most: 100 },
  seed: { type: 'whole', least: 0, most: MAX_SEED },
  greedy: { type: 'flag' },
  stopAtEnd: { type: 'flag' },
  prefix: { type: 'flag' },
  literal: { type: 'flag' },
};

/** The page's sampling settings until the user changes them. */
export const SAMPLING = { maxTokens: 60, temperature: 0.8, topK: 0, topP: 0.95, minP: 0, repetitionPenalty: 1, frequencyPenalty: 0, seed: 1, greedy: false, stopAtEnd: true };

/**
 * The interventions among the options, which are checked against the model's sizes when it is known, and the other options.
 * @param {string} call @param {unknown} options
 * @returns {{ interventions: unknown, others: Record<string, unknown> }} interventions: undefined if none are named
 */
export function takeInterventions(call, options) {
  const { interventions, ...others } = asObject(call, options);
  return { interventions, others };
}

/** @param {unknown} options of tokenlight.analyze @param {number} [context] the model's, if one is loaded @returns {AnalyzeOptions} */
export const analyzeOptions = (options, context = LONGEST) => checked('analyze', options, { ...ANALYZE, stride: { type: 'whole', least: 1, most: context - 1 } });

/** @param {unknown} options of tokenlight.generate @returns {GenerateOptions} */
export function generateOptions(options) {
  const { stop, ...others } = asObject('generate', options);
  /** @type {GenerateOptions} */
  const result = { maxTokens: 50, seed: 0, ...checked('generate', others, GENERATE, ['stop']) };
  if (stop === undefined) return result;
  const list = typeof stop === 'string' ? [stop] : stop;
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string' && each)) throw new TypeError('generate: stop must be a string or a list of strings, none of them empty.');
  return { ...result, stop: list };
}

/**
 * @param {string} call @param {unknown} options
 * @returns {Record<string, unknown>} `bos` is accepted as the old name of `prefix`
 */
function asObject(call, options) {
  if (options === undefined) return {};
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw new TypeError(`${call}: options must be an object.`);
  const { bos, ...others } = /** @type {Record<string, unknown>} */ (options);
  return bos === undefined ? others : { prefix: bos, ...others };
}

/** @param {string} call @param {unknown} options @param {Record<string, Rule>} rules @param {string[]} [also] names that are checked elsewhere */
function checked(call, options, rules, also = []) {
  const values = Object.entries(asObject(call, options)).filter(([, value]) => value !== undefined);
  for (const [name, value] of values) {
    if (!Object.hasOwn(rules, name)) throw new TypeError(`${call}: there is no option ${name}. The options are ${[...Object.keys(rules), ...also].join(', ')}.`);
    const { type, least, most } = rules[name];
    if (type === 'flag' ? typeof value === 'boolean' : isBetween(value, least, most) && (type === 'number' || Number.isInteger(value))) continue;
    throw new RangeError(`${call}: ${name} must be ${type === 'flag' ? 'true or false' : `a ${type === 'whole' ? 'whole number' : 'number'} from ${least} to ${most}`}.`);
  }
  return Object.fromEntries(values);
}

/** @param {unknown} value @param {number} [least] @param {number} [most] */
const isBetween = (value, least = -Infinity, most = Infinity) => typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most;

/** What a run can be saved as, as in pyscripts/saved/files.py. @typedef {'json' | 'csv' | 'npz' | 'html' | 'embed'} FileKind */
const FILE_KINDS = ['json', 'csv', 'npz', 'html', 'embed'];

/** @param {unknown} kind of tokenlight.export @returns {FileKind} */
export function fileKind(kind) {
  if (typeof kind === 'string' && FILE_KINDS.includes(kind)) return /** @type {FileKind} */ (kind);
  throw new TypeError(`export: there is no file of the kind ${String(kind)}. The kinds are ${FILE_KINDS.join(', ')}.`);
}

/**
 * Text or token ids, as analyze and generate take them.
 * @param {string} call @param {unknown} input @param {number} vocabSize
 * @returns {string | number[]}
 */
export function checkedInput(call, input, vocabSize) {
  if (typeof input === 'string') return input;
  if (!Array.isArray(input)) throw new TypeError(`${call}: the text must be a string or a list of token ids.`);
  const wrong = input.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (wrong >= 0) throw new RangeError(`${call}: ${input[wrong]} is not a token id; this model's ids are whole numbers from 0 to ${vocabSize - 1}.`);
  return [...input];
}

/**
 * The arguments of a question about one token.
 * @param {string} call @param {unknown} token @param {unknown} options {target, versus}: ids, or texts of tokens
 * @returns {import('./protocol.js').WhyArgs}
 */
export function whyArgs(call, token, options) {
  if (!Number.isInteger(token) || Number(token) < 0) throw new RangeError(`${call}: token must be the index of a token, from 0.`);
  return { token: Number(token), ...targetArgs(call, options) };
}

/**
 * The arguments of a patch: of the residual stream, or of heads at a token (-1: the last; null: at every token).
 * @param {unknown} options @returns {import('./protocol.js').Views['patch']['args']}
 */
export function patchArgs(options) {
  const { kind = 'residual', token, align = null, ...others } = asObject('patch', options);
  const heads = kind === 'heads';
  if (!heads && kind !== 'residual') throw new TypeError("patch: kind must be 'residual' or 'heads'.");
  if (!heads && token !== undefined) throw new TypeError("patch: token is where heads are copied: it takes kind: 'heads'.");
  if (token !== undefined && token !== null && !(Number.isInteger(token) && Number(token) >= 0)) throw new RangeError('patch: token must be the index of a token, from 0, or null for every token.');
  if (align !== null && !Array.isArray(align) && !['start', 'end', 'both'].includes(String(align))) throw new TypeError("patch: align must be 'start', 'end', 'both' or a list of pairs [token of A, token of this text].");
  return { ...targetArgs('patch', others), align: /** @type {any} */ (align), sweep: true, heads, token: heads ? /** @type {number | null} */ (token === undefined ? -1 : token) : null };
}

/**
 * The tokens in question, and nothing else.
 * @param {string} call @param {unknown} options {target, versus}: ids, or texts of tokens
 * @returns {Pick<import('./protocol.js').WhyArgs, 'target' | 'versus'>}
 */
export function targetArgs(call, options) {
  const { target = null, versus = null, ...others } = asObject(call, options);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`${call}: there is no option ${unknown}. The options are target, versus.`);
  const named = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (value === null || typeof value === 'string' || (Number.isInteger(value) && Number(value) >= 0)) return /** @type {string | number | null} */ (value);
    throw new TypeError(`${call}: ${name} must be a token id or the text of a token.`);
  };
  return { target: named('target', target), versus: named('versus', versus) };
}
