// Interventions in words: on the chips above the text, and beside runs that are compared; main thread.

import { count } from '../frame/format.js';
import { firstPosition } from '../shared/run_key.js';
import { tokenName } from '../shared/token_text.js';

/** @import {Interventions} from '../shared/protocol.js' */
/** @import {RunState} from './state.js' */
/** @typedef {{ layer: number, head: number, scale: number }} ScaledHead */

const MOST_NAMED = 8; // heads whose names are listed

/** Whether a head is off and a vector is added to its output everywhere: mean ablation. @param {Interventions} all @param {{ layer: number, head: number }} which */
export const isMeanIn = ({ heads = [], add = [] }, { layer, head }) =>
  heads.some((row) => row.layer === layer && row.head === head && row.scale === 0)
  && add.some((row) => row.layer === layer && row.head === head && row.position === null);

/** A position as the user knows it: the token's text, or the prefix. @param {RunState | null} run @param {number} position */
function positionName(run, position) {
  const token = position - (run ? firstPosition(run.conditions.prefix) : 1);
  if (token < 0) return 'the prefix token';
  return run && token < run.tokens.ids.length ? `${tokenName(run.tokens, token)} (${count(token + 1)})` : `token ${count(token + 1)}`;
}

/** What is done to a head. @param {Interventions} all @param {ScaledHead} row */
function doneTo(all, row) {
  if (row.scale !== 0) return `× ${row.scale}`;
  return isMeanIn(all, row) ? 'at its mean' : 'off';
}

/** @param {Interventions} all @param {ScaledHead} row */
export const headWords = (all, row) => `head ${row.layer}.${row.head} ${doneTo(all, row)}`;

/** Many heads at once. @param {Interventions} all */
export function headsWords(all) {
  const { heads = [] } = all;
  const done = new Set(heads.map((row) => doneTo(all, row)));
  const [only] = done;
  return `${count(heads.length)} heads ${done.size > 1 ? 'changed' : only.replace('its mean', 'their means')}`;
}

/** @param {NonNullable<Interventions['cut']>[number]} row @param {RunState | null} run */
export function cutWords({ query, keys, layers, heads }, run) {
  const to = keys.length > 3 ? `${count(keys.length)} tokens` : keys.map((key) => positionName(run, key)).join(', ');
  const looks = query === null ? 'no token looks' : `${positionName(run, query)} not looking`;
  const named = (/** @type {string} */ noun, /** @type {number[] | undefined} */ list) => (list ? ` in ${noun}${list.length === 1 ? '' : 's'} ${list.join(', ')}` : '');
  return `${looks} at ${to}${named('layer', layers)}${named('head', heads)}`;
}

/** @param {NonNullable<Interventions['add']>[number]} row @param {RunState | null} run */
export const addWords = ({ layer, position, head }, run) =>
  `vector added ${head === undefined ? `before layer ${layer}` : `to head ${layer}.${head}`}${position === null ? '' : ` at ${positionName(run, position)}`}`;

/** Whether an added vector is that of a head's mean, which the head's own words say. @param {Interventions} all @param {NonNullable<Interventions['add']>[number]} row */
export const isOfMean = (all, { layer, head, position }) => head !== undefined && position === null && isMeanIn(all, { layer, head });

/** What was changed inside the model of a run, in one line; empty: nothing. @param {RunState} run */
export function changesOf(run) {
  const all = /** @type {Interventions} */ (JSON.parse(run.conditions.interventions));
  const { heads = [], cut = [], add = [] } = all;
  return [
    ...(heads.length > MOST_NAMED ? [headsWords(all)] : heads.map((row) => headWords(all, row))),
    ...cut.map((row) => cutWords(row, run)),
    ...add.filter((row) => !isOfMean(all, row)).map((row) => addWords(row, run)),
  ].join(', ');
}
