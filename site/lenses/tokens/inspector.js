// One token in numbers: how likely it was, what was expected instead, and where it is in the text; main thread.

import { pictureFiles, saveCsv, WIDTH } from '../../charts/files.js';
import { rowsScene } from '../../charts/rows.js';
import { count, countOf, percent, shareEnd } from '../../frame/format.js';
import { amount } from '../../frame/units.js';
import { pin } from '../../page/choices.js';
import { samplingOptions } from '../../page/run_options.js';
import * as state from '../../page/state.js';
import { hexBytes, tokenName } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { closeSheetView } from '../controls.js';
import { filesView } from '../panel.js';
import { codeButton } from '../python/panel_code.js';
import { ask } from '../scheduler.js';
import { alternatives, alternativesOf } from './alternatives.js';
import { wordView } from './word.js';

/** @import {RunState} from '../../page/state.js' */

/** The table for the CSV; asked for only to save it. */
const listed = ask({ view: 'choice', needs: 'token', args: (_, token) => ({ token, count: 50, options: samplingOptions() }), seen: () => false });

export function inspectorView() {
  const run = state.run.value;
  const { hovered, pinned, current } = state;
  const index = state.SHEETS.matches && !state.sheetClosed.value && pinned.value !== null ? pinned.value : (hovered.value ?? current.value); // a sheet stays
  if (!run || index === null || index >= run.tokens.ids.length) return html`<h2 class="title">Token</h2><p class="hint">${state.text.value ? 'Press Run' : 'Type a text'}: every token is coloured by how likely the model found it.</p>`;
  const word = state.wordAt(index);
  if (word && index < run.count) return wordView(run, word, index, pinned.value === index);
  const known = index < run.count && !Number.isNaN(run.columns.logprob.data[index]);
  return html`
    ${heading(run, index)}
    ${known ? [facts(run, index), alternatives(run, index)] : html`<p class="hint">${index < run.count ? 'First token: no probability.' : run.done ? 'Not read.' : 'Not read yet.'}</p>`}
    ${foot(run, index, known)}
  `;
}

/** @param {RunState} run @param {number} index */
function heading({ tokens, given }, index) {
  const pinned = state.pinned.value === index;
  const kind = [index >= given ? 'generated' : '', tokens.control[index] ? 'control token' : ''].filter(Boolean).map((name) => ` · ${name}`);
  return html`
    <div class="about">
      <h2><code>${tokenName(tokens, index)}</code></h2>
      <span class="hint">Token ${count(index + 1)} of ${count(tokens.ids.length)}${kind}</span>
      <button type="button" class="quiet" id="pin" aria-pressed=${pinned} @click=${() => pin(pinned ? null : index)}>${pinned ? 'Unpin' : 'Pin'}</button>${closeSheetView()}
    </div>`;
}

/** @param {RunState} run @param {number} index */
function facts({ columns, conditions }, index) {
  const value = (/** @type {string} */ name) => columns[name].data[index];
  const list = [
    ['Probability', percent(value('probability'))],
    ['Rank', count(value('rank'))],
    ['Surprisal', amount(value('surprisal'))],
    ['Entropy', amount(value('entropy'))],
    ['Probability ranked above it', percent(value('mass_above'))],
    ...(conditions.stride === null ? [] : [['Context', countOf(value('tokens_seen'), 'token')]]),
  ];
  return html`<dl class="facts">${list.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`;
}

/** @param {RunState} run @param {number} index @param {boolean} known */
function foot(run, index, known) {
  const { tokens } = run;
  const hex = hexBytes(tokens, index);
  const [start, end] = tokens.bytes[index];
  const name = `tokenlight-alternatives-${index + 1}`;
  const title = `What the model expected at token ${count(index + 1)}`;
  const scenes = () => {
    const rows = alternativesOf(run, index);
    return [rowsScene({
      labels: rows.map(({ rank, name: shown }) => `${rank}. ${shown}`),
      labelRoom: 200,
      rowHeight: 24,
      mono: true,
      marked: rows.flatMap(({ actual }, i) => (actual ? [i] : [])),
      tracks: [
        { kind: 'bars', title: 'probability', axis: shareEnd, series: [{ values: rows.map(({ p }) => p), fill: 'bar' }] },
        { kind: 'numbers', title: '', room: 64, texts: rows.map(({ p }) => percent(p)) },
      ],
    }, WIDTH)];
  };
  const files = {
    ...pictureFiles(() => ({ name, title, note: run.model.name, scenes: scenes() })),
    ...(run.stored ? {} : { CSV: async () => saveCsv(name, await listed.csv()) }),
  };
  return html`<div class="panel-foot"><span class="grow">id ${tokens.ids[index]} · bytes ${count(start)}–${count(end)}: <code>${hex.length > 36 ? `${hex.slice(0, 35)} …` : hex}</code></span>${known ? [codeButton('inspector', 'The selected token', () => ({ token: index }), true), filesView('Alternatives', files)] : ''}</div>`;
}
