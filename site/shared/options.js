// The arguments of the scripting interface: names, types, ranges and defaults, for scripts and the settings form; pure, both threads.

/** @import {AnalyzeOptions, GenerateOptions} from './protocol.js' */

/** @typedef {{ type: 'whole' | 'number' | 'flag', least?: number, most?: number }} Rule */

const MAX_TOP_K = 50; // alternatives kept for each token, as in pyscripts/trace.py
export const MAX_SEED = 2 ** 31;
const LONGEST = 10_000_000; // tokens; no context comes near

/** How many alternatives the inspector may list. @type {Rule} */
export const ALTERNATIVES = { type: 'whole', least: 1, most: MAX_TOP_K };

/** The ids of the colourings, as in pyscripts/colour/colourings.py. */
export const COLOURINGS = ['hue', 'gltr', 'viridis', 'cividis', 'entropy', 'surprise_excess', 'transformer_lab', 'circuitsvis'];

/** Those of them that whole words can have, too. */
export const OF_WORDS = ['hue', 'viridis', 'cividis', 'transformer_lab', 'circuitsvis'];

/** @type {Record<string, Rule>} */
const ANALYZE = { topK: { type: 'whole', least: 0, most: MAX_TOP_K }, prefix: { type: 'flag' }, literal: { type: 'flag' } };

/** @type {Record<string, Rule>} */
const GENERATE = {
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

/** The limits of the sampling settings: scripts may generate 0 tokens, Continue generates at least 1. @type {Record<string, Rule>} */
export const SAMPLING_RULES = { ...GENERATE, maxTokens: { ...GENERATE.maxTokens, least: 1 } };

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
export const analyzeOptions = (options, context = LONGEST) => checked('analyze', options, { ...ANALYZE, stride: { type: 'whole', least: 1, most: context - 1 } }, ['interventions']);

/** @param {unknown} options of tokenlight.generate @returns {GenerateOptions} */
export function generateOptions(options) {
  const { stop, ...others } = asObject('generate', options);
  /** @type {GenerateOptions} */
  const result = { maxTokens: 50, seed: 0, ...checked('generate', others, GENERATE, ['stop', 'interventions']) };
  if (stop === undefined) return result;
  const list = typeof stop === 'string' ? [stop] : stop;
  if (!Array.isArray(list) || !all(list, (each) => typeof each === 'string' && each)) throw new TypeError('generate: stop must be a string or a list of strings, none of them empty.');
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
  if (bos === undefined) return others;
  if (others.prefix !== undefined) throw new TypeError(`${call}: bos is the old name of prefix. Give only one of them.`);
  return { ...others, prefix: bos };
}

/** @param {string} call @param {unknown} options @param {Record<string, Rule>} rules @param {string[]} [also] names that are checked elsewhere */
function checked(call, options, rules, also = []) {
  const values = Object.entries(asObject(call, options)).filter(([, value]) => value !== undefined);
  for (const [name, value] of values) {
    if (!Object.hasOwn(rules, name)) throw noOption(call, name, [...Object.keys(rules), ...also]);
    check(call, name, value, rules[name]);
  }
  return Object.fromEntries(values);
}

const LONGEST_SHOWN = 60; // characters of a value in a sentence

/** A wrong value in a sentence; a list may be nested more deeply than it can be written out. @param {unknown} value */
export const inWords = (value) => (Array.isArray(value) ? 'a list' : value && typeof value === 'object' ? 'an object' : String(value).slice(0, LONGEST_SHOWN));

/** @param {string} call @param {string} name @param {string[]} names */
const noOption = (call, name, names) => new TypeError(`${call}: there is no option ${inWords(name)}. The options are ${names.join(', ')}.`);

/** @param {unknown} value @param {Rule} rule */
export const isAllowed = (value, { type, least, most }) =>
  type === 'flag' ? typeof value === 'boolean' : isBetween(value, least, most) && (type === 'number' || Number.isInteger(value));

/** @param {string} call @param {string} name @param {unknown} value @param {Rule} rule */
function check(call, name, value, rule) {
  if (isAllowed(value, rule)) return;
  const { type, least, most } = rule;
  const range = most === undefined ? `from ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${call}: ${name} must be ${type === 'flag' ? 'true or false' : `a ${type === 'whole' ? 'whole number' : 'number'} ${range}`}.`);
}

/** Unlike every(), it tests the holes of a sparse array. @param {unknown[]} list @param {(each: unknown) => unknown} test */
const all = (list, test) => list.findIndex((each) => !test(each)) < 0;

/** @param {unknown} value */
const isIndex = (value) => Number.isInteger(value) && Number(value) >= 0;

/** @param {unknown} value @param {number} [least] @param {number} [most] */
const isBetween = (value, least = -Infinity, most = Infinity) => typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most;

/** What a run can be saved as, as in pyscripts/saved/files.py. @typedef {'json' | 'csv' | 'npz' | 'html' | 'embed'} FileKind */
const FILE_KINDS = ['json', 'csv', 'npz', 'html', 'embed'];

/** @param {unknown} kind of tokenlight.export @returns {FileKind} */
export function fileKind(kind) {
  if (typeof kind === 'string' && FILE_KINDS.includes(kind)) return /** @type {FileKind} */ (kind);
  const what = typeof kind === 'string' ? `there is no file of the kind ${kind.slice(0, 60)}` : 'the kind of file must be a string';
  throw new TypeError(`export: ${what}. The kinds are ${FILE_KINDS.join(', ')}.`);
}

/**
 * Text or token ids, as analyze and generate take them.
 * @param {string} call @param {unknown} input @param {number} [vocabSize] of the model, if one is loaded
 * @returns {string | number[]}
 */
export function checkedInput(call, input, vocabSize) {
  if (typeof input === 'string') return input;
  if (!Array.isArray(input)) throw new TypeError(`${call}: the text must be a string or a list of token ids.`);
  const wrong = input.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= (vocabSize ?? Infinity));
  if (wrong >= 0) {
    const ids = vocabSize === undefined ? 'ids are whole numbers from 0' : `this model's ids are whole numbers from 0 to ${vocabSize - 1}`;
    throw new RangeError(`${call}: ${typeof input[wrong] === 'number' ? input[wrong] : `entry ${wrong} of the list`} is not a token id; ${ids}.`);
  }
  return [...input];
}

/** One head of the model, which may have fewer. @param {unknown} layer @param {unknown} head */
export function headArgs(layer, head) {
  for (const [name, value] of Object.entries({ layer, head })) check('attention', name, value, { type: 'whole', least: 0 });
  return { layer: Number(layer), head: Number(head) };
}

/** A token, and how many tokens the logit lens lists for each layer. @param {unknown} token @param {unknown} topK */
export function lensArgs(token, topK = 5) {
  check('lens', 'topK', topK, { type: 'whole', least: 1, most: MAX_TOP_K });
  return { token: tokenIndex('lens', token), topK: Number(topK) };
}

/** @param {string} call @param {unknown} token */
function tokenIndex(call, token) {
  if (isIndex(token)) return Number(token);
  throw new RangeError(`${call}: token must be the index of a token, from 0.`);
}

/** @template {Function} T @param {string} call @param {T | undefined} onProgress what a script wants to be called with */
export function progressOf(call, onProgress) {
  if (onProgress === undefined || typeof onProgress === 'function') return onProgress;
  throw new TypeError(`${call}: onProgress must be a function.`);
}

/**
 * The arguments of a question about one token.
 * @param {string} call @param {unknown} token @param {unknown} options {target, versus}: ids, or texts of tokens
 * @param {string[]} [names] the options of the call
 * @returns {import('./protocol.js').WhyArgs}
 */
export function whyArgs(call, token, options, names) {
  return { token: tokenIndex(call, token), ...targetArgs(call, options, names) };
}

/** The arguments of tokenlight.sweep. @param {unknown} options @returns {import('./protocol.js').HeadsOff} */
export function sweepArgs(options) {
  const { kind, token, scope = 'last', mean = false, ...others } = asObject('sweep', options);
  if (kind !== 'heads') throw new TypeError("sweep: kind must be 'heads'.");
  if (scope !== 'last' && scope !== 'text') throw new TypeError("sweep: scope must be 'last' or 'text'.");
  check('sweep', 'mean', mean, { type: 'flag' });
  return { ...whyArgs('sweep', token, others, ['kind', 'token', 'target', 'scope', 'mean']), both: false, whole_text: scope === 'text', mean: Boolean(mean) };
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
  if (token !== undefined && token !== null && !isIndex(token)) throw new RangeError('patch: token must be the index of a token, from 0, or null for every token.');
  if (align !== null && !isPairs(align) && !['start', 'end', 'both'].includes(/** @type {string} */ (align))) throw new TypeError("patch: align must be 'start', 'end', 'both' or a list of pairs [token of A, token of this text].");
  const targets = targetArgs('patch', others, ['kind', 'token', 'target', 'versus', 'align']);
  return { ...targets, align: /** @type {any} */ (align), sweep: true, heads, token: heads ? /** @type {number | null} */ (token === undefined ? -1 : token) : null };
}

/** @param {unknown} align */
const isPairs = (align) => Array.isArray(align) && all(align, (pair) => Array.isArray(pair) && pair.length === 2 && all(pair, isIndex));

/**
 * The tokens in question, and nothing else.
 * @param {string} call @param {unknown} options {target, versus}: ids, or texts of tokens @param {string[]} names the options of the call
 * @returns {Pick<import('./protocol.js').WhyArgs, 'target' | 'versus'>}
 */
function targetArgs(call, options, names = ['target', 'versus']) {
  const given = asObject(call, options);
  const unknown = Object.keys(given).find((name) => !names.includes(name) && given[name] !== undefined);
  if (unknown !== undefined) throw noOption(call, unknown, names);
  const { target = null, versus = null } = given;
  const named = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (value === null || (typeof value === 'string' && value) || isIndex(value)) return /** @type {string | number | null} */ (value);
    throw new TypeError(`${call}: ${name} must be a token id or the text of a token.`);
  };
  return { target: named('target', target), versus: named('versus', versus) };
}
