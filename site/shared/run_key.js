// What makes two runs the same, and how far one may reuse the other's results; pure, both threads.

/** @import {RunConditions, RunKey} from './protocol.js' */

export const NO_INTERVENTIONS = '{}';

/** @param {RunConditions} a @param {RunConditions} b */
export const sameConditions = (a, b) => a.model === b.model && a.prefix === b.prefix && a.interventions === b.interventions;

/** How many ids both lists begin with. @param {ArrayLike<unknown>} a @param {ArrayLike<unknown>} b */
export function commonLength(a, b) {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

/** How many shown tokens of one run have the same numbers before them in the other. @param {RunKey} a @param {RunKey} b */
export const commonTokens = (a, b) => (sameConditions(a, b) ? commonLength(a.ids, b.ids) : 0);
