// How the token was chosen: the model's probabilities beside those after the sampling filters; main thread.

import { rowsScene } from '../../charts/rows.js';
import { count, countOf, percent, shareEnd } from '../../frame/format.js';
import { POINT } from '../../frame/pointer.js';
import { amount } from '../../frame/units.js';
import { samplingOptions } from '../../page/run_options.js';
import * as state from '../../page/state.js';
import { continueFrom } from '../../page/token_edits.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { definition } from './transformer_lab.js';

/** @import {Choice, FilterEffect} from '../../shared/protocol.js' */
/** @import {ChartOf} from '../../charts/chart.js' */
/** @typedef {Extract<Choice, { known: true }>} Known */

const FILTERS = /** @type {Record<string, string>} */ ({
  repetition_penalty: 'repetition penalty', frequency_penalty: 'frequency penalty',
  temperature: 'temperature', top_k: 'top-k', top_p: 'top-p', min_p: 'min-p', greedy: 'greedy',
});

/** @param {number | null} p */
const share = (p) => (p === 0 ? 'removed' : percent(p));

/** @param {Choice} choice @returns {ChartOf[]} */
function charts(choice) {
  if (!choice.known) return [];
  const { rows, token } = choice;
  const nameOf = (/** @type {number} */ row) => state.nameOfId(rows[row]);
  const sampled = rows.some((row) => row.sampled !== null);
  const before = { values: rows.map(({ raw }) => raw), fill: 'bar', name: 'before' };
  const after = { values: rows.map((row) => row.sampled), fill: 'accent', name: 'after' };
  const shares = figures('', rows.map(({ raw }) => share(raw)));
  const both = [{ ...shares, title: 'Before' }, figures('After', rows.map((row) => share(row.sampled)))];
  return [{
    label: `Probabilities of the ${rows.length} tokens listed, before and after the sampling filters`,
    scene: (width) => rowsScene({
      labels: rows.map((_, row) => nameOf(row)),
      labelRoom: Math.min(130, width * 0.32),
      rowHeight: Math.max(22, Math.min(32, Math.floor(320 / rows.length))), // as high as the charts beside it
      mono: true,
      marked: rows.flatMap(({ chosen }, row) => (chosen ? [row] : [])),
      tracks: [
        { kind: 'bars', title: '', axis: shareEnd, series: sampled ? [before, after] : [before] },
        ...(width > 520 ? both : width > 200 ? [shares] : []),
      ],
    }, width),
    say: ({ row }) => {
      const { rank, raw, sampled: drawn } = rows[row];
      return `${nameOf(row)}: rank ${rank === null ? 'over 50' : count(rank)} · ${share(raw)} before, ${share(drawn)} after the filters`;
    },
    action({ row }) {
      if (rows[row].chosen || state.isRunning.value || !state.canRun.value) return null;
      return { label: `Continue from “${nameOf(row)}”`, act: () => continueFrom(token, rows[row].id) };
    },
  }];
}

/** @param {string} title @param {string[]} texts */
const figures = (title, texts) => ({ kind: /** @type {const} */ ('numbers'), title, texts, room: 56 });

/** @param {FilterEffect} filter */
const effectOf = ({ name, kept, removed_mass: removed }) =>
  FILTERS[name] + (removed > 0 ? ` kept ${countOf(kept, 'token')} and removed ${percent(removed)}` : '');

/** @param {Known} choice */
const facts = (choice) => html`
  <dl class="facts">
    <div><dt>Entropy</dt><dd>${amount(choice.entropy)}</dd></div>
    <div><dt>Rank</dt><dd>${count(choice.rank)}</dd></div>
    <div><dt>Before</dt><dd>${percent(choice.probability)}</dd></div>
    <div><dt>After the filters</dt><dd>${share(choice.sampled_probability)}</dd></div>
  </dl>
  <p class="hint">${choice.filters === null ? nothing : choice.filters.length ? `${choice.generated ? 'Filters' : 'With your settings'}: ${choice.filters.map(effectOf).join(' · ')}.` : 'No filter changed anything.'}</p>`;

export const choice = panel({
  id: 'choice',
  view: 'choice',
  needs: 'token',
  args: (_, token) => ({ token, count: 10, options: samplingOptions() }),
  passAt(run, token, answer) {
    if (!state.hasPrediction(run, token)) return null;
    const drawn = answer?.json.known && answer.json.generated && answer.json.sampled_probability !== null;
    return drawn ? null : token - 1;
  },
  title: 'Token probabilities',
  resting: `${POINT} a token for its values; press it to continue from it.`,
  lead: ({ json }) => (json.known ? json.words : 'First token: no probability.'),
  charts: ({ json }) => charts(json),
  below: ({ json }) => (json.known ? facts(json) : nothing),
  more: (isOpen) => definition('choice', isOpen),
});
