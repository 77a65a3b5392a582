// How the token was chosen: the model's probabilities beside those after the sampling filters; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { percent } from '../../frame/format.js';
import { amount } from '../../frame/units.js';
import { continueFrom, samplingOptions } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel, waiting } from '../panel.js';

/** @import {Choice, ChoiceRow, FilterEffect} from '../../shared/protocol.js' */
/** @typedef {Extract<Choice, { known: true }>} Known */

const FILTERS = /** @type {Record<string, string>} */ ({
  repetition_penalty: 'repetition penalty', frequency_penalty: 'frequency penalty', temperature: 'temperature', top_k: 'top-k', top_p: 'top-p', min_p: 'min-p', greedy: 'greedy',
});

/** @param {number | null} p */
const share = (p) => (p === null ? '–' : p === 0 ? 'ruled out' : percent(p));

/** @param {Known} choice @returns {import('../../charts/bars.js').Bars} */
function chart(choice) {
  return {
    caption: 'Probability of the next token, before and after the filters',
    columns: ['the model', 'after the filters'],
    shared: true,
    rows: choice.rows.map((row) => ({
      label: `${row.rank ?? '>50'}. ${visible(row.text) || '·'}`,
      name: html`<span class="rank">${row.rank ?? '>50'}</span> ${name(choice, row)}`,
      marked: row.chosen ? 'chosen' : undefined,
      bars: [row.raw, row.sampled].map((p) => ({ value: p, text: share(p), title: p === null ? '' : `p = ${p}` })),
    })),
  };
}

/** @param {Known} choice @param {ChoiceRow} row */
function name({ token }, { id, text, chosen }) {
  const shown = visible(text) || '·';
  if (chosen) return html`<code>${shown}</code>`;
  return html`<button type="button" class="candidate" ?disabled=${state.phase.value === 'running' || !state.canRun.value} title="Continue from this token instead" aria-label="Continue from ${shown}" @click=${() => continueFrom(token, id)}><code>${shown}</code></button>`;
}

/** @param {FilterEffect[]} filters */
const filterLine = (filters) => filters.map(({ name, kept, removed_mass }) => `${FILTERS[name]}${removed_mass > 0 ? ` kept ${kept.toLocaleString('en')} tokens and removed ${percent(removed_mass)}` : ''}`).join(' · ');

/** @param {Known} choice */
const shown = (choice) => html`
  <p>${choice.words}</p>
  <dl class="facts">
    <div><dt>Entropy</dt><dd title="${choice.entropy} nats">${amount(choice.entropy)}</dd></div>
    <div><dt>Probability</dt><dd title=${choice.probability}>${percent(choice.probability)}</dd></div>
    <div><dt>Rank</dt><dd>${choice.rank.toLocaleString('en')}</dd></div>
    <div><dt>After the filters</dt><dd title=${choice.sampled_probability ?? ''}>${share(choice.sampled_probability)}</dd></div>
  </dl>
  ${barsView(chart(choice))}
  <p class="hint">${choice.filters === null ? nothing : choice.filters.length ? `${choice.generated ? 'Filters' : 'With your settings'}: ${filterLine(choice.filters)}.` : 'No filter changed anything.'} Press another token to continue from it instead.</p>`;

export const choice = panel({
  id: 'choice',
  view: 'choice',
  needs: 'token',
  args: (_, token) => ({ token, count: 10, options: samplingOptions() }),
  passAt: (run, token, answer) => (token === 0 && run.conditions.prefix === null ? null : answer?.json.known && answer.json.sampled_probability !== null && answer.json.generated ? null : token - 1),
  title: 'Token probabilities',
  caption: 'What the model expected here, before and after temperature and filters; the actual token is marked.',
  how: 'The logits of the position before the token, over the whole vocabulary, become probabilities; then penalties, temperature, top-k, top-p and min-p are applied in this order, and a token is drawn. For tokens that were given, the filters show what your settings would have made of them.',
  formula: 'p = softmax(logits);  entropy = −Σ p·ln p;  filtered: softmax(logits / T), tokens ruled out get 0',
  source: 'choosing.choice, sampling.distribution',
  body: (answer) => (!answer ? waiting() : answer.json.known ? shown(answer.json) : waiting('First token: no probability.')),
  parts: ({ json }) => (json.known ? [barsPart(chart(json))] : []),
});
