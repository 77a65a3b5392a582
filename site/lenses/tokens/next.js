// What the model expects after the text: each token can be added or continued from; main thread.

import { saveCsv } from '../../charts/files.js';
import { amount } from '../../frame/units.js';
import * as state from '../../page/state.js';
import { addToken, continueFrom, generateOne } from '../../page/token_edits.js';
import { firstPosition } from '../../shared/run_key.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { filesView } from '../panel.js';
import { codeButton } from '../python/panel_code.js';
import { ask } from '../scheduler.js';
import { tokenRow, useButton } from './token_row.js';

const asked = ask({ view: 'next', needs: 'end', args: () => ({ count: state.settings.value.topK }), seen: () => state.lens.value === 'tokens' });
export const next = asked.answer;
const FILES = { CSV: async () => saveCsv('tokenlight-what-comes-next', await asked.csv()) };

export function nextView() {
  const run = state.run.value;
  const { rows = [], entropy = null } = next.value?.json ?? {};
  if (!run || !rows.length || entropy === null || !state.text.value || run.tokens.total > run.tokens.ids.length) return nothing;
  const full = run.tokens.ids.length + firstPosition(run.conditions.prefix) >= (state.model.value?.manifest.context_length ?? 0);
  return html`<section class="card">
    <div class="row spread"><h2>What comes next</h2><span class="hint">${codeButton('next', 'What comes next', () => ({}), true)}${filesView('What comes next', FILES)}</span></div>
    <table class="continuations">
      <caption class="hint">After the last token: entropy ${amount(entropy)}${full ? '. The context is full, so nothing can be added' : nothing}</caption>
      <thead class="sr-only"><tr><th>Rank</th><th>Token</th><th>Bar</th><th>Probability</th><th>Use it</th></tr></thead>
      <tbody>${rows.map((row, i) => nextRow(row, i + 1, rows[0].probability, full))}</tbody>
    </table>
    <button type="button" id="generate-one" ?disabled=${!isReady(full)} title="Draw one token with the sampling settings" @click=${unlessRunning(generateOne)}>Generate one token</button>
  </section>`;
}

/** Until a run has ended, what is shown is of the one before. @param {() => unknown} act */
const unlessRunning = (act) => () => void (state.underWay.value === null && act());

/** @param {boolean} full whether the context is */
const isReady = (full) => state.canRun.value && state.isReadByModel.value && !full;

/** @param {{ id: number, text: string, probability: number }} token @param {number} rank @param {number} most the largest probability, which fills its bar @param {boolean} full */
function nextRow({ id, text, probability }, rank, most, full) {
  const name = state.nameOfId({ id, text });
  const ready = isReady(full);
  return tokenRow({ rank, name, probability }, most, html`
    ${useButton('+', 'Add', name, ready, unlessRunning(() => addToken(id)))}
    ${useButton('→', 'Continue from', name, ready, unlessRunning(() => continueFrom(state.count.value, id)))}`);
}
