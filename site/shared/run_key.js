// When two runs are the same, and how much of one's results the other may reuse; pure, both threads.

/** @import {Interventions, Manifest, RunConditions, RunKey, RunModel} from './protocol.js' */

/** The interventions of a run without any. */
export const NO_INTERVENTIONS = '{}';

/**
 * The conditions of a run that is read in one pass.
 * @param {Manifest} manifest
 * @param {boolean} [prefix] whether the model's prefix token, if it has one, comes first
 * @param {Interventions} [interventions] in their one order (interventions.js)
 * @returns {RunConditions}
 */
export const conditionsOf = ({ sha256, prefix: token }, prefix = true, interventions = {}) => ({
  model: sha256,
  prefix: prefix && token ? token.id : null,
  interventions: JSON.stringify(interventions),
  stride: null,
});

/** What a run says of its model. @param {Manifest} manifest @returns {RunModel} */
export const runModelOf = ({ id, name, weights, revision, layers, inputs }) => ({ id, name, weights, revision, layers, lens: Boolean(inputs.lens) });

/** @param {RunConditions} a @param {RunConditions} b */
export const sameConditions = (a, b) => a.model === b.model && a.prefix === b.prefix && a.interventions === b.interventions && a.stride === b.stride;

/** The position of a text's first token, which comes after the prefix token. @param {number | null} prefix null: none */
export const firstPosition = (prefix) => (prefix === null ? 0 : 1);

/**
 * The stride of the windows that a text is read in; null if it fits the context, so that one pass reads it.
 * @param {number} context @param {number | null} prefix @param {number} tokens @param {number | undefined} stride that was asked for
 */
export const strideOf = (context, prefix, tokens, stride) => (stride !== undefined && tokens + firstPosition(prefix) > context ? stride : null);

/** The length of the common beginning of two lists or texts. @param {ArrayLike<unknown>} a @param {ArrayLike<unknown>} b */
export function commonLength(a, b) {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

/** How many leading tokens of two runs are the same under the same conditions. @param {RunKey} a @param {RunKey} b */
export const commonTokens = (a, b) => (sameConditions(a, b) ? commonLength(a.ids, b.ids) : 0);
