// How focused attention is: bars by layer and a heatmap of layers × heads at the token; main thread.

import { barsPart, barsView } from '../../charts/bars.js';
import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { dark } from '../../charts/theme.js';
import { effect } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { fixed } from '../format.js';
import { panelView, waiting } from './panel.js';
import { found, inSight, palettes } from './state.js';

/** @param {any} focus @returns {import('../../charts/bars.js').Bars} */
function chart(focus) {
  return {
    caption: 'Attention entropy by layer, mean over heads',
    columns: ['entropy (nats)', 'normalised'],
    palette: palettes.value?.[focus.palette],
    rows: focus.layers.map((/** @type {any} */ layer, /** @type {number} */ i) => ({
      label: `layer ${i}`,
      bars: [layer.entropy, layer.normalised].map((value) => ({ value, text: fixed(value), title: String(value), level: layer.level })),
    })),
  };
}

export function focusPanel() {
  const heatmap = new Heatmap({
    label: 'Attention entropy of layers (rows) by heads (columns)',
    rowHeight: 12,
    widest: 40,
    describe: (row, column) => {
      const heads = found.value.focus?.heads;
      const at = row * heads?.columns + column;
      return heads ? `layer ${row}, head ${column} · ${heads.entropy[at]} nats · normalised ${heads.normalised[at] ?? '–'}` : '';
    },
    resting: 'Point at a cell for its layer, head and numbers.',
  });
  effect(() => {
    dark.value;
    const { focus } = found.value;
    if (!focus || !palettes.value || !inSight.value.has('focus')) return;
    const { rows, columns, levels } = focus.heads;
    heatmap.draw({ levels, rows, columns, names: Array.from({ length: rows }, (_, i) => String(i)), palette: palettes.value[focus.palette] });
  });
  return () => {
    const { focus } = found.value;
    return panelView({
      id: 'focus',
      title: 'Attention entropy',
      caption: 'Whether the heads looked at few tokens (focused, orange) or at many (distributed, blue) when the model read this one.',
      how: 'Each head spreads its attention over the tokens so far; the entropy says over how many. It grows with the length of the text, so it is also given divided by its greatest possible value, the logarithm of the number of visible positions. Bars: the mean over a layer’s heads. Grid: every layer (row) and head (column).',
      formula: 'H = −Σ p·ln p over the head’s attention row;  normalised = H / ln(visible positions)',
      source: 'activations.focus, attention.attention_statistics',
      body: focus && palettes.value ? html`<p>${focus.words ?? 'The token sees only itself, so its attention cannot spread.'}</p>
        <div class="halves">${barsView(chart(focus))}<figure><figcaption class="hint">Layers × heads, normalised</figcaption>${heatmap.element}</figure></div>
        ${scaleView(palettes.value[focus.palette], focus.stops, ['focused (0)', 'half (0.5)', 'distributed (1)'])}` : html`${waiting()}${nothing}`,
      parts: () => (focus ? [barsPart(chart(focus)), heatmap.part()] : []),
    });
  };
}
