// The sampling settings: a preset, or every value by itself; one set for the whole page, kept between visits; main thread.

import { count } from '../frame/format.js';
import { isChecked, valueOf } from '../frame/mount.js';
import { set } from '../page/choices.js';
import * as state from '../page/state.js';
import { SAMPLING, SAMPLING_RULES } from '../shared/options.js';
import { signal } from '../vendor/signals-core.js';
import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { live } from '../vendor/lit-html/directives/live.js';

/** @typedef {typeof state.settings.value.sampling} Sampling */

const PRESETS = /** @type {Record<string, Partial<Sampling>>} */ ({
  Greedy: { greedy: true },
  Careful: { temperature: 0.5, topP: 0.9 },
  Balanced: {},
  Inventive: { temperature: 1.1, topP: 1, minP: 0.05 },
  'Unmodified (temperature 1, no filters)': { temperature: 1, topP: 1 },
  'Transformer Lab’s (temperature 0.7)': { temperature: 0.7, topP: 1 },
});

const FIELDS = /** @type {const} */ ([
  ['maxTokens', 'Tokens to generate', 1],
  ['seed', 'Seed', 1],
  ['temperature', 'Temperature', 0.05],
  ['topK', 'Top-k (0: off)', 1],
  ['topP', 'Top-p (1: off)', 0.01],
  ['minP', 'Min-p (0: off)', 0.01],
  ['repetitionPenalty', 'Repetition penalty (1: off)', 0.05],
  ['frequencyPenalty', 'Frequency penalty (0: off)', 0.05],
]);

/** @param {Partial<Sampling>} changes */
const change = (changes) => set('sampling', { ...state.settings.value.sampling, ...changes });

/** The field whose value was changed when it was left, and why. */
const corrected = signal(/** @type {{ name: string, why: string } | null} */ (null));

/** What a field may hold, and why if that is not what was typed. @param {typeof FIELDS[number][0]} name @param {string} text */
function corrections(name, text) {
  const { type, least = 0, most = Infinity } = SAMPLING_RULES[name];
  const typed = Number(text);
  if (text === '' || !Number.isFinite(typed)) return { value: SAMPLING[name], why: 'the default' };
  if (typed < least) return { value: least, why: `at least ${count(least)}` };
  if (typed > most) return { value: most, why: `at most ${count(most)}` };
  const value = type === 'whole' ? Math.round(typed) : typed;
  return { value, why: value === typed ? '' : 'a whole number' };
}

/** The settings without those that no preset changes. @param {Partial<Sampling>} values */
const presetPart = (values) => JSON.stringify({ ...values, maxTokens: 0, seed: 0, stop: '', stopAtEnd: true });

/**
 * Not `live`: what is typed becomes a setting when the field is left; until then, drawing the page must not change it.
 * @param {typeof FIELDS[number]} field
 */
function numberField([name, title, step]) {
  const { sampling } = state.settings.value;
  const { least, most } = SAMPLING_RULES[name];
  const onChange = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    const { value, why } = corrections(name, field.value.trim());
    field.value = String(value);
    corrected.value = why ? { name, why } : null;
    change({ [name]: value });
  };
  const idle = sampling.greedy && ['seed', 'temperature', 'topK', 'topP', 'minP'].includes(name);
  return html`<label><span>${title}${corrected.value?.name === name ? html` <b role="alert">${corrected.value.why}</b>` : nothing}</span>
    <input type="number" id="option-${name}" min=${least} max=${most} step=${step} ?disabled=${idle} .value=${String(sampling[name])} @change=${onChange}></label>`;
}

export function samplingView() {
  const { sampling } = state.settings.value;
  const preset = Object.keys(PRESETS).find((name) => presetPart({ ...SAMPLING, ...PRESETS[name] }) === presetPart(sampling));
  const onStop = (/** @type {Event} */ event) => change({ stop: valueOf(event) });
  const onPreset = (/** @type {Event} */ event) => {
    const { maxTokens, seed, stop, stopAtEnd } = sampling;
    corrected.value = null;
    set('sampling', { ...SAMPLING, ...PRESETS[valueOf(event)], maxTokens, seed, stop, stopAtEnd });
  };
  return html`<details class="options" id="sampling">
    <summary aria-label="Sampling settings: ${preset ?? 'custom'}" title="Sampling settings"><span class="hint">${preset?.split(' (')[0] ?? 'Custom'}</span> ▾</summary>
    <div class="popover-panel">
      <label class="preset">Sampling preset
        <select id="preset" @change=${onPreset}>
          ${preset ? nothing : html`<option value="" selected>Custom</option>`}
          ${Object.keys(PRESETS).map((name) => html`<option value=${name} .selected=${live(name === preset)}>${name}</option>`)}
        </select>
      </label>
      <div class="fields">
        ${FIELDS.map(numberField)}
        <label class="wide">Stop sequences (one per line, \\n for a newline)
          <textarea id="option-stop" rows="2" spellcheck="false" autocapitalize="off" autocorrect="off" translate="no" .value=${sampling.stop} @change=${onStop}></textarea></label>
        <label class="check wide"><input type="checkbox" id="option-greedy" .checked=${live(sampling.greedy)} @change=${(/** @type {Event} */ event) => change({ greedy: isChecked(event) })}> Greedy: always the most likely token</label>
        <label class="check wide"><input type="checkbox" id="option-stopAtEnd" .checked=${live(sampling.stopAtEnd)} @change=${(/** @type {Event} */ event) => change({ stopAtEnd: isChecked(event) })}> Stop at the end of the text</label>
      </div>
    </div>
  </details>`;
}

/** Closes the settings, and Save, like any popover: by Escape, by pressing elsewhere, or when the focus goes elsewhere. */
export function closeSampling() {
  const open = () => /** @type {HTMLDetailsElement | null} */ (document.querySelector('details.options[open]'));
  document.addEventListener('keydown', (event) => {
    const details = open();
    if (event.key !== 'Escape' || event.defaultPrevented || !details) return;
    details.open = false;
    details.querySelector('summary')?.focus();
  });
  for (const type of ['pointerdown', 'focusin']) {
    document.addEventListener(type, ({ target }) => {
      const details = open();
      if (details && !details.contains(/** @type {Node} */ (target))) details.open = false;
    });
  }
}
