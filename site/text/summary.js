// The whole text in numbers; main thread.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { count, fixed, significant } from '../frame/format.js';
import { inUnit, unit } from '../frame/units.js';
import { readControlTokens } from '../page/edits.js';
import * as state from '../page/state.js';

export function summaryView() {
  const run = state.run.value;
  if (!run?.summary) return html`<dl class="summary" aria-hidden="true"></dl>`;
  const { perplexity, bits_per_byte: byte, bits_per_character: character, mean_logprob: mean, convention } = run.summary;
  const all = run.tokens.ids.length;
  const facts = [
    ['Tokens', run.count < all ? `${count(run.count)} of ${count(all)}` : count(all)],
    ['Perplexity', significant(perplexity)],
    ['Bits per byte', fixed(byte)],
    ['Bits per character', fixed(character)],
    ['Mean log-probability', `${fixed(inUnit(mean))} ${unit()}`],
  ];
  return html`<dl class="summary ${run.count < all ? 'stale' : ''}">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${convention ? html`<p class="hint" id="convention">${convention}</p>` : nothing}
    ${controlTokensView(run)}`;
}

/** Says that control tokens were typed, and offers the other way to read them. @param {import('../page/state.js').RunState} run */
function controlTokensView({ tokens, literal, given, stored }) {
  const typed = tokens.control.slice(0, given).filter(Boolean).length;
  if (stored || !(typed || literal)) return nothing;
  const said = literal ? 'Control tokens in this text are read as plain text.' : `${typed === 1 ? 'One token of this text is a control token' : `${count(typed)} tokens of this text are control tokens`} of the model.`;
  return html`<p class="hint" id="control-tokens">${said} <button @click=${() => readControlTokens(!literal)}>${literal ? 'Read as control tokens' : 'Read as plain text'}</button></p>`;
}
