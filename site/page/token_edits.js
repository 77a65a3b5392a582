// What users do at a token of the one text: replace it, continue from it, add one after the last; main thread.

import { replacedText } from '../shared/token_text.js';
import { attempt, generate, read } from './edits.js';
import { say } from './notices.js';
import { asBefore, samplingOptions, windows } from './run_options.js';
import * as state from './state.js';

/** @import {RunState} from './state.js' */

/** The shown run if it is of the text in the box and of the current model; otherwise null, with a notice. @returns {RunState | null} */
function usable() {
  const run = state.run.value;
  if (!run || run.stored) return null;
  if (!state.isReadByModel.value) say(`This text was read with ${run.model.name}. Press Run first.`, true);
  else if (!state.isRead.value) say('The text has changed since it was read. Press Run first.', true);
  else return run;
  return null;
}

/**
 * Replaces a token, or adds one after the last, and generates from there; the previous text stays a version.
 * @param {number} token @param {number} id
 */
export function continueFrom(token, id) {
  const run = usable();
  if (!run) return;
  return attempt(() => generate([...run.tokens.ids.slice(0, token), id], samplingOptions(asBefore(run)), { given: givenWith(run, token) }));
}

/** Generates one token, as the sampling settings say. */
export function generateOne() {
  const run = usable();
  if (run) return attempt(() => generate(run.tokens.ids, { ...samplingOptions(asBefore(run)), maxTokens: 1 }, { given: run.given }));
}

/** Adds a token after the text and reads it; what was generated stays marked as such. @param {number} id */
export function addToken(id) {
  const run = usable();
  if (!run) return;
  const { ids } = run.tokens;
  return attempt(() => generate([...ids, id], { ...samplingOptions(asBefore(run)), maxTokens: 0 }, { given: givenWith(run, ids.length) }));
}

/** How many tokens were not generated, once one has been chosen in the place of `token` or after the last. @param {RunState} run @param {number} token */
const givenWith = ({ given, tokens }, token) => (given < tokens.ids.length ? Math.min(given, token + 1) : token + 1);

/**
 * Replaces tokens and reads the text again. What is beyond the context has no tokens, so such a text is replaced as text.
 * @param {number} from @param {number} to not replaced itself @param {number[]} ids
 */
export function replace(from, to, ids) {
  const run = usable();
  if (!run) return;
  if (run.tokens.total > run.tokens.ids.length) {
    const text = replacedText(state.text.value, run.tokens, { from, to }, ids.map(run.model.vocabulary).join(''));
    if (text === null) return say('This text is longer than the context, and the replacement cannot be written into it as text. Shorten the text first.', true);
    return attempt(() => read(text, { ...asBefore(run), ...windows() }, from));
  }
  return attempt(() => read([...run.tokens.ids.slice(0, from), ...ids, ...run.tokens.ids.slice(to)], { ...asBefore(run), ...windows() }, from));
}
