// What a lesson sees of the page, taken from the state: what its conditions are about, and the names of heads in its words; main thread.

import { direction, head, nameOf, scope, sinkHidden } from '../lenses/attention/choice.js';
import { isChanged } from '../page/interventions.js';
import * as state from '../page/state.js';
import { version } from '../page/versions.js';
import { HEADS, headNamed } from './conditions.js';

/** @import {Seen, ScoreName} from './conditions.js' */

/** The scores of the model's heads; null if it was exported without. */
const scoresNow = () => /** @type {Seen['scores']} */ (state.model.value?.manifest.head_scores ?? null);

/** @returns {Seen} */
export function seen() {
  const run = state.run.value;
  const { colouring, words } = state.settings.value;
  const read = run !== null && run.done && !run.stored && state.isRead.value && state.underWay.value === null && state.isReadByModel.value;
  return {
    text: state.text.value,
    typed: state.typed.value,
    version: version.value?.id ?? 0,
    read,
    ids: run?.tokens.ids ?? [],
    bytes: run?.tokens.bytes ?? [],
    generated: run?.kind === 'generate' ? run.tokens.ids.length - run.given : 0,
    run: run?.id ?? 0,
    pinned: state.pinned.value,
    lens: state.lens.value,
    colouring,
    words,
    head: scope.value === 'head' && head.value ? nameOf(head.value) : null,
    direction: direction.value,
    sinkHidden: sinkHidden.value,
    off: (state.interventions.value.heads ?? []).flatMap((row) => (row.scale === 0 ? [nameOf(row)] : [])),
    changed: isChanged(),
    scores: scoresNow(),
  };
}

/** The words of a lesson with what they name: “{model}”, and “{induction head}” and the like as the name of this model's strongest. @param {string} words */
export function filled(words) {
  const scores = scoresNow();
  return words.replace(/\{(model|[a-z -]+ head)\}/g, (whole, what) => {
    if (what === 'model') return state.model.value?.manifest.name ?? 'the model';
    const kind = Object.keys(HEADS).find((name) => HEADS[/** @type {ScoreName} */ (name)] === what);
    if (!kind) return whole;
    const name = headNamed(kind, scores);
    return name === null ? `the strongest ${what}` : `head ${name}`;
  });
}
