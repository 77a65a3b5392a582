// The question: which token, rather than which, and which reading shades the text; main thread.

import { fixed } from '../../frame/format.js';
import { inUnit, unit } from '../../frame/units.js';
import { valueOf } from '../../frame/mount.js';
import { isChanged } from '../../page/interventions.js';
import * as state from '../../page/state.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { menuView } from '../controls.js';
import { plainPanel } from '../panel.js';
import { codeButton } from '../python/panel_code.js';
import { ask } from '../scheduler.js';
import { askFor, ID, missingWords, reading, target, whyArgs } from './choice.js';

const READINGS = /** @type {const} */ ({
  adds: ['Adds', 'What each earlier token added to the logit, directly: exact parts of a sum'],
  looks: ['Looks at', 'Attention of the position that predicts the token'],
  needs: ['Needs', 'How much the log-probability changes if the position may not look there: causal'],
});

const question = ask({ view: 'why', needs: 'token', args: whyArgs, seen: () => state.lens.value === ID && state.hasLayers() });

/** @param {keyof typeof READINGS | 'change'} id @param {string} title @param {string} explained */
const button = (id, title, explained) =>
  html`<button type="button" class="small" aria-pressed=${reading.value === id} title=${explained} @click=${() => (reading.value = id)}>${title}</button>`;

/** @param {{ logprob: number | null }} token */
const surprisal = ({ logprob }) => ` · ${fixed(inUnit(logprob === null ? null : -logprob))}`;

function view() {
  const answer = question.fits.value ? question.answer.value?.json : null;
  const words = missingWords();
  if (words) return html`<p class="hint">${words}</p>`;
  if (!answer || !state.run.value) return html`<p class="hint">${state.current.value === null ? '' : 'Computing…'}</p>`;
  const { alternatives, actual } = answer;
  const others = alternatives.filter(({ id }) => id !== actual.id);
  /** @type {[string | number, string][]} */
  const targets = [['', `${state.nameOfId(actual)} (the token in the text)`]];
  const likely = {
    title: `Alternatives · surprisal (${unit()})`,
    options: others.map((each) => /** @type {[number, string]} */ ([each.id, state.nameOfId(each) + (each.id === target.value ? '' : surprisal(each))])), // the chosen one is a word of the question
  };
  /** @type {[string | number, string][]} */
  const rivals = [['', 'nothing: its logit alone'], ...alternatives.filter(({ id }) => id !== answer.target.id).map((each) => /** @type {[number, string]} */ ([each.id, state.nameOfId(each)]))];
  for (const [list, chosen] of /** @type {const} */ ([[targets, answer.target], [rivals, answer.versus]])) {
    const known = list === targets ? [...list, ...likely.options] : list;
    if (chosen && chosen.id !== actual.id && !known.some(([id]) => id === chosen.id)) list.push([chosen.id, state.nameOfId(chosen)]);
  }
  const typed = (/** @type {string} */ label, /** @type {(text: string) => void} */ use) => html`<input class="quiet" type="text" size="8" aria-label=${label} placeholder="other…" autocomplete="off" spellcheck="false"
    @change=${(/** @type {Event} */ event) => {
      const text = valueOf(event);
      if (text) use(text);
      /** @type {HTMLInputElement} */ (event.target).value = '';
    }}>`;
  return html`
    <p class="why-question">Why ${menuView('Target', targets, target.value ?? '', (id) => askFor({ target: id === '' ? null : asId(id) }), '', likely)} ${typed('Another target', (text) => askFor({ target: text }))}
      rather than ${menuView('Rather than', rivals, answer.versus?.id ?? '', (id) => askFor({ versus: id === '' ? null : asId(id) }))} ${typed('Another token to compare with', (text) => askFor({ versus: text }))}?</p>
    <p><span class="joined" role="group" aria-label="Shade the text by">${Object.entries(READINGS).map(([id, [title, explained]]) => button(/** @type {keyof typeof READINGS} */ (id), title, explained))}
      ${isChanged() ? button('change', 'Changed by', 'Log-probabilities under the interventions, less those of the unchanged model') : nothing}</span>
      <span class="hint">shades the text</span> ${codeButton('why_question', 'Question', () => ({ token: state.current.value }), true)}</p>`;
}

/** @param {string} id */
const asId = (id) => Number(id);

export const questionPanel = plainPanel({ id: 'why_question', title: 'Question', view, lens: ID });
