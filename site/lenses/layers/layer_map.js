// The heatmap of layers × tokens: one norm of every layer for the whole text; main thread.

import { Heatmap } from '../../charts/heatmap.js';
import { scaleView } from '../../charts/legend.js';
import { valueOf } from '../../frame/mount.js';
import { watch } from '../../page/notices.js';
import { stepTo } from '../../page/edits.js';
import * as state from '../../page/state.js';
import { visible } from '../../shared/token_text.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { isSeen } from '../in_sight.js';
import { panel } from '../panel.js';
import { QUANTITIES } from './quantities.js';

const quantity = signal('hidden_norm');

export const layerMap = panel({
  id: 'layer_map',
  view: 'layer_map',
  needs: 'text',
  args: () => ({ name: quantity.value }),
  title: 'Layers × tokens',
  caption: 'The same for the whole text: each column is a token, each row a layer; darker is more (brighter in the dark theme).',
  how: 'Each cell is a norm as in “Layer-wise activations”. Colours are spread logarithmically from the smallest to the largest value of the text, because a few tokens, mostly the first, have norms many times larger than the rest.',
  formula: 'colour = (ln v − ln min) / (ln max − ln min)',
  source: 'layers.layer_map, scales.logarithmic',
  canvas(answer) {
    const heatmap = new Heatmap({
      label: 'Layers (rows) by tokens (columns)',
      describe(row, column) {
        const found = answer.value;
        const text = state.run.value?.tokens.texts[column];
        return found && text !== undefined ? `${found.json.names[row]} · ${visible(text)} (token ${column + 1}) · ${found.arrays.values.data[row * found.json.columns + column]}` : '';
      },
      onPick: (_, column) => stepTo(column),
      resting: 'Point at a cell for its value; press it to go to its token.',
    });
    watch('layer_map, marked token', () => {
      if (isSeen('layer_map')) heatmap.mark(state.current.value ?? -1);
    });
    return heatmap;
  },
  draw(heatmap, answer) {
    if (!answer) return heatmap.clear();
    const { names, columns, palette } = answer.json;
    const short = names.map((name) => name.replace('layer ', '').replace('embeddings', 'emb.'));
    heatmap.draw({ levels: answer.arrays.levels.data, rows: names.length, columns, names: short, palette: /** @type {any} */ (state.palettes.value)[palette] });
  },
  body: (answer, heatmap) => html`<label class="field">Show <select id="quantity" @change=${(/** @type {Event} */ event) => (quantity.value = valueOf(event))}>${Object.entries(QUANTITIES).map(([name, title]) => html`<option value=${name} .selected=${name === quantity.value}>${title}</option>`)}</select></label>
    ${heatmap.element}${answer && state.palettes.value ? scaleView(state.palettes.value[answer.json.palette], answer.json.stops) : nothing}`,
  parts: (_, heatmap) => [heatmap.part()],
});
