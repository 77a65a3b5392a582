// The whole text in numbers; main thread.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { count, fixed, significant } from '../frame/format.js';
import { inUnit, unit } from '../frame/units.js';
import { readControlTokens, readInWindows } from '../page/edits.js';
import * as state from '../page/state.js';
import { NO_INTERVENTIONS } from '../shared/run_key.js';

export function summaryView() {
  const run = state.run.value;
  if (!run?.summary || !state.text.value) return html`<dl class="summary" aria-hidden="true"></dl>`;
  const { perplexity, bits_per_byte: byte, bits_per_character: character, mean_logprob: mean, convention } = run.summary;
  const all = run.tokens.ids.length;
  const { total } = run.tokens; // more than `all` if the context cut the text
  const { kind, file, model, conditions } = run;
  const facts = [
    ['Tokens', run.count < total ? `${count(run.count)} of ${count(total)}` : count(total)],
    ['Perplexity', significant(perplexity)],
    ['Bits per byte', fixed(byte)],
    ['Bits per character', fixed(character)],
    ['Mean log-probability', `${fixed(inUnit(mean))} ${unit()}`],
  ];
  return html`<dl class="summary ${run.count < all || !state.isRead.value ? 'stale' : ''}">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${convention ? html`<p class="hint" id="convention">${convention}</p>` : nothing}
    ${kind === 'opened' ? html`<p class="hint" id="opened">Opened from ${file}: read by ${model.name}${conditions.interventions === NO_INTERVENTIONS ? '' : ', with interventions'}.</p>` : nothing}
    ${windowsView(run)}
    ${controlTokensView(run)}`;
}

/** Offers to read the rest of a text that is longer than the context. @param {import('../page/state.js').RunState} run */
function windowsView({ tokens, kind, stored }) {
  if (stored || kind !== 'read' || tokens.total <= tokens.ids.length) return nothing;
  return html`<p class="hint" id="windows">The text is longer than the context. <button type="button" class="quiet" ?disabled=${!state.canRun.value} @click=${readInWindows}>Read it all in windows</button></p>`;
}

/** Says that control tokens were typed, and offers the other way to read them. @param {import('../page/state.js').RunState} run */
function controlTokensView({ tokens, literal, given, stored }) {
  const typed = tokens.control.slice(0, given).filter(Boolean).length;
  if (stored || !(typed || literal)) return nothing;
  const [said, offered] = literal
    ? ['Control tokens in this text are read as plain text.', 'Read as control tokens']
    : [typed === 1 ? 'This text contains a control token.' : `This text contains ${count(typed)} control tokens.`, 'Read as plain text'];
  return html`<p class="hint" id="control-tokens">${said} <button type="button" class="quiet" @click=${() => readControlTokens(!literal)}>${offered}</button></p>`;
}
