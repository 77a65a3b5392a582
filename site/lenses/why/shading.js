// Shades the one text by the chosen reading while the Why lens is open; main thread.

import { shareEnd, short } from '../../frame/format.js';
import { unit, unitEnd } from '../../frame/units.js';
import { shade } from '../../page/choices.js';
import { isChanged } from '../../page/interventions.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { ask } from '../scheduler.js';
import { shadeOf } from '../shading.js';
import { both, fetch, ID, lacks, reading, versus, weighted, whyArgs } from './choice.js';

const isOpen = () => state.lens.value === ID && state.hasLayers();
const isShown = (/** @type {string} */ id) => () => isOpen() && reading.value === id;

const answers = {
  adds: ask({ view: 'why_adds', needs: 'token', args: whyArgs, lacks, fetch, seen: isShown('adds') }).answer,
  looks: ask({ view: 'why_looks', needs: 'token', args: (run, token) => withArgs(whyArgs(run, token), { weighted: weighted.value }), lacks, fetch, seen: isShown('looks') }).answer,
  needs: ask({ view: 'why_tokens', needs: 'token', args: (run, token) => withArgs(whyArgs(run, token), { both: both.value && versus.value !== null }), lacks, fetch, seen: isShown('needs') }).answer,
  change: ask({ view: 'change', needs: 'end', args: () => ({}), lacks, fetch, seen: isShown('change') }).answer,
};

/** @template {object} A @template {object} B @param {A | null} own @param {B} more @returns {(A & B) | null} */
function withArgs(own, more) {
  return own && { ...own, ...more };
}

/** Keeps the text shaded while the lens is open. */
export function followShading() {
  watch('the Why lens over the text', () => {
    if (!isOpen()) return shade(ID, null);
    const chosen = reading.value === 'change' && !isChanged() ? 'adds' : reading.value;
    const answer = answers[chosen].value;
    const json = /** @type {{ most?: number, shade_palette?: string, palette?: string, token?: number, target?: { id: number, text: string } } | undefined} */ (answer?.json);
    const shades = answer?.arrays && 'shades' in answer.arrays ? answer.arrays.shades.data : null;
    const name = json?.shade_palette ?? json?.palette;
    const palette = name && state.palettes.value?.[name];
    if (!json || !shades || !palette || (chosen !== 'change' && json.token !== state.current.value)) return shade(ID, null);
    const most = json.most ?? 0;
    const nats = chosen === 'needs' || chosen === 'change';
    const label = (/** @type {number} */ value) => (nats ? `${unitEnd(value)} ${unit()}` : chosen === 'looks' ? shareEnd(value) : short(value));
    const text = json.target ? state.nameOfId(json.target) : state.nameOfToken(state.current.value ?? 0);
    const titles = { adds: `added directly to ${text}`, looks: `looked at for ${text}`, needs: `${text} without it`, change: 'Δ by interventions' };
    shade(ID, shadeOf({ title: titles[chosen], levels: shades, palette, from: name === 'signed' ? -most : 0, to: most, label }));
  });
}
