// How well the quick answers agree with slow ones on this text, computed only when asked for; main thread.

import { rowsScene } from '../../charts/rows.js';
import { fixed } from '../../frame/format.js';
import { change, unit, unitEnd } from '../../frame/units.js';
import { excerpt, labelOf } from '../../shared/token_text.js';
import { html } from '../../vendor/lit-html/lit-html.js';
import { panel } from '../panel.js';
import { fetch, isChecking, lacks, missingWords, progress, setChecking, whyArgs } from './choice.js';

/** @import {ChartOf} from '../../charts/chart.js' */

const LONGEST = 22; // characters of a span's label

/** @param {string} title @param {string[]} labels @param {{ quick: number, slow: number }[]} rows @returns {ChartOf} */
const chart = (title, labels, rows) => ({
  label: title,
  scene: (width) => rowsScene({
    labels, labelRoom: Math.min(190, width * 0.42), rowHeight: 24, mono: true,
    tracks: [{
      kind: 'bars', title: '', axis: unitEnd, series: [
        { name: 'quick', values: rows.map(({ quick }) => quick), fill: 'bar' },
        { name: 'slow', values: rows.map(({ slow }) => slow), fill: 'accent' },
      ],
    }],
  }, width),
  say: ({ row }) => (rows[row] ? `${labels[row]}: quick ${change(rows[row].quick)}, slow ${change(rows[row].slow)} ${unit()}` : ''),
});

export const agreement = panel({
  id: 'why_agreement',
  view: 'why_agreement',
  needs: 'token',
  started: () => isChecking.value,
  args: (run, token) => (isChecking.value ? whyArgs(run, token) : null),
  lacks,
  fetch,
  title: 'Quick and slow answers',
  missing: () => missingWords() ?? (isChecking.value ? null : 'Reads the text again without parts of it, and with heads off everywhere: a pass of the model for each.'),
  controls: () => html`<button type="button" class="small" @click=${() => setChecking(!isChecking.value)}>${isChecking.value ? 'Cancel' : 'Compare'}</button>`,
  lead: (answer) => {
    const { spans_agree: spans, heads_agree: heads } = answer.json;
    return progress(answer) || html`Rank correlation with leaving spans out of the text: <strong>${fixed(spans)}</strong>; with heads off in the whole text: <strong>${fixed(heads)}</strong>.`;
  },
  charts: ({ json }) => {
    if (!json.spans || !json.heads) return [];
    return [
      chart('Spans: hidden from the last position (quick), left out of the text (slow)', json.spans.map(({ text }) => labelOf(excerpt(text, LONGEST))), json.spans),
      chart('Heads: off at the last position (quick), off in the whole text (slow)', json.heads.map(({ layer, head }) => `head ${layer}.${head}`), json.heads),
    ];
  },
});
