// A panel from its descriptor: what it asks, its charts, how they are computed, the table, and its files; main thread.

import { Chart } from '../charts/chart.js';
import { pictureFiles, saveCsv, WIDTH } from '../charts/files.js';
import { COARSE } from '../frame/pointer.js';
import { sayMeanwhile, tell, watch } from '../page/notices.js';
import * as state from '../page/state.js';
import { computed, signal } from '../vendor/signals-core.js';
import { html, nothing, render } from '../vendor/lit-html/lit-html.js';
import { isSeen } from './in_sight.js';
import { PROSE } from './prose.js';
import { codeButton } from './python/panel_code.js';
import { ask } from './scheduler.js';
import { tableView } from './table.js';

/** @import {ChartOf} from '../charts/chart.js' */
/** @import {ViewName, Views} from '../shared/protocol.js' */
/** @import {Question} from './scheduler.js' */

/** A panel as a lens lists it. @typedef {{ id: string, title: string, mount: (place: HTMLElement) => void }} Panel */

/**
 * @template {ViewName} Name
 * @typedef {Pick<Question<Name>, 'view' | 'needs' | 'args' | 'passAt' | 'lacks' | 'fetch'> & {
 *   id: string, title: string, charts: (answer: Views[Name]['answer']) => ChartOf[], resting?: string,
 *   lead?: (answer: Views[Name]['answer']) => unknown, controls?: (answer: Views[Name]['answer'] | null) => unknown,
 *   below?: (answer: Views[Name]['answer']) => unknown, tools?: (answer: Views[Name]['answer'] | null) => unknown, missing?: () => string | null, more?: (isOpen: boolean) => unknown,
 *   code?: () => object, started?: () => boolean, columns?: Record<string, string>
 * }} Descriptor
 *   charts: always in the same order; lead: a sentence above them; below: what follows them;
 *   tools: what follows that and stays while a new answer is computed; controls: what the visitor chooses;
 *   missing: why there is nothing to show; more: added to “How is this computed?”; code: settings of its Python beside the arguments;
 *   started: whether the visitor has started what it shows, which then goes on out of sight; columns: words for columns of its
 *   table whose names are code. The texts are in prose.js, by `id`, and the Python in site/lab/panels
 */

/**
 * @template {ViewName} Name
 * @param {Descriptor<Name>} descriptor
 * @returns {Panel}
 */
export function panel(descriptor) {
  const { id, title, view, needs, args, passAt, lacks, fetch, charts, lead, below, tools, controls, missing, more, code, started, columns } = descriptor;
  const { resting = COARSE ? 'Touch a value to read it.' : 'Point at a value, or use the arrow keys.' } = descriptor;
  const explained = signal(false);
  const listed = signal(false);
  const seen = () => (isSeen(id) || Boolean(started?.())) && state.hasLayers();
  const asked = ask({ view, needs, args, passAt, lacks, fetch, seen, table: () => listed.value });
  /** @type {Chart[]} */
  const drawn = [];
  const name = () => `tokenlight-${id.replaceAll('_', '-')}-${(state.current.value ?? 0) + 1}`;
  const files = {
    ...pictureFiles(async () => {
      const all = asked.answer.value ? charts(asked.answer.value) : [];
      const note = [...all.slice(0, 1).map(({ label }) => label), state.run.value?.model.name].join(' · ');
      return { name: name(), title, note, scenes: all.map(({ scene }) => scene(WIDTH)), about: aboutToken(args) };
    }),
    CSV: async () => saveCsv(name(), await asked.csv()),
  };

  /** What its code is about. */
  const settings = () => ({ ...(state.run.value && args(state.run.value, state.current.value ?? 0)), ...code?.() });

  /** Whether a run from a file would need its model. @param {Views[Name]['answer'] | null} answer */
  const needsModel = (answer) => state.run.value?.kind === 'opened' && !state.isReadByModel.value && Boolean(needs === 'pass' || (answer && lacks?.(answer)));
  const frame = (/** @type {Views[Name]['answer'] | null} */ answer) => {
    const words = missing?.() ?? (needsModel(answer) ? WITHOUT_MODEL : null);
    return html`
      <div class="row spread"><h2 title=${PROSE[id].caption}>${title}</h2>${controls?.(answer) ?? nothing}</div>
      ${words ? html`<p class="hint">${words}</p>` : html`
        ${lead ? html`<p class="lead">${answer ? lead(answer) : seen() ? waiting(needs === 'pass') : LATER}</p>` : nothing}
        <div class="charts">${drawn.map(({ element }) => element)}</div>`}
      <div class="panel-rest">${answer && below && !words ? below(answer) : nothing}${tools && !words ? tools(answer) : nothing}<div class="panel-foot">
        ${howView(id, title, settings, (event) => (explained.value = isOpen(event)), more?.(explained.value))}
        ${words ? nothing : html`<details @toggle=${(/** @type {Event} */ event) => (listed.value = isOpen(event))}><summary>As a table</summary>${listed.value ? tableView(asked.table.value, title, columns) : nothing}</details>
        ${filesView(title, files)}`}
      </div></div>`;
  };

  return {
    id,
    title,
    mount(place) {
      const shownCharts = computed(() => {
        const answer = seen() ? asked.answer.value : null; // out of sight and of another text or token: nothing
        return answer && state.palettes.value && !missing?.() ? charts(answer) : [];
      });
      let shows = 0;
      let isResting = true; // whether it says that nothing is computed for it yet, or nothing at all
      /** @type {Views[Name]['answer'] | null} */
      let drawnAnswer = null;
      watch(id, () => {
        const answer = asked.answer.value;
        const fits = asked.fits.value;
        const whole = fits && drawnAnswer !== null && drawnAnswer === answer && !lacks?.(answer);
        if (!seen() && (whole || isResting)) return;
        const shown = seen() ? answer : null;
        drawnAnswer = shown;
        isResting = !seen();
        const current = shownCharts.value;
        while (drawn.length < current.length) drawn.push(new Chart({ resting }));
        render(frame(shown), place);
        const answered = Boolean(shown) && !(/** @type {any} */ (shown?.json)?.missing);
        const mine = ++shows;
        drawn.forEach((chart, i) => {
          const show = () => chart.show(current[i] ?? null);
          if (i === 0 || !current[i]) show();
          else setTimeout(() => mine === shows && show()); // in a task of its own: one large chart is enough for a frame
          chart.element.hidden = (answered || current.length > 0) && i >= current.length; // until there is an answer, its room stays
        });
        place.dataset.token = shown ? String(/** @type {any} */ (shown.json)?.token ?? 'text') : ''; // which token it shows
      });
    },
  };
}

/** What a picture says of what it shows: the token and the view's arguments. @param {Question<any>['args']} args */
function aboutToken(args) {
  const run = state.run.value;
  const token = state.current.value ?? 0;
  return run ? { token, token_text: run.tokens.texts[token], arguments: args(run, token) } : {};
}

/** @param {Event} event */
const isOpen = (event) => /** @type {HTMLDetailsElement} */ (event.target).open;

/**
 * “How is this computed?” of a panel, as prose.js has it, and the button that shows its Python.
 * @param {string} id @param {string} title @param {() => object | null} settings of the Python @param {(event: Event) => void} [onToggle] @param {unknown} [more] what follows
 */
export function howView(id, title, settings, onToggle = () => {}, more = nothing) {
  const { caption, how, formula, source } = PROSE[id];
  return html`<details @toggle=${onToggle}><summary>How is this computed?</summary><p>${caption} ${how}</p><p class="formula"><code>${formula}</code></p>
    <p class="hint">Computed by <code>${source}</code></p><p>${codeButton(id, title, settings)}</p>${more}</details>`;
}

const PATIENCE = 1000; // ms, after which it is said that a file takes longer

/** Saves a file; what it holds may have to be computed first. @param {() => Promise<void>} make */
async function saved(make) {
  let end = () => {};
  const timer = setTimeout(() => (end = sayMeanwhile('Computing what the file holds…', null)), PATIENCE);
  const failed = await make().then(() => null, (error) => error);
  clearTimeout(timer);
  end();
  if (failed) tell(failed);
}

/** Buttons that save files. @param {string} title of what they hold @param {Record<string, () => Promise<void>>} files by format */
export const filesView = (title, files) =>
  html`<span class="files">${Object.entries(files).map(([format, make]) => html`<button type="button" class="small"
    aria-label="${title}: save as ${format}" title="Save as ${format}" @click=${() => saved(make)}>${format}</button>`)}</span>`;

/** What is said while a panel is out of sight: nothing is computed for it. */
export const LATER = 'Computed when you scroll to it.';

const WITHOUT_MODEL = 'This needs the model that read the text: a saved run holds only its numbers. Press Run to read the text here.';

/** What is said while a panel has no answer yet. @param {boolean} pass whether it runs the model again */
const waiting = (pass) => (pass && !state.run.value?.done ? 'Shown when the run has ended.' : 'Computing…');

/** What is said in place of a value that only the model can give. */
export const awaited = () => (state.isReadByModel.value ? waiting(true) : WITHOUT_MODEL);

/**
 * A panel without the frame: it shows the caller's template. While what it shows (`asked`) is not known of a new run, it
 * stays as it was, dimmed: what lies below it does not move, and a button can be pressed again.
 * @param {{ id: string, title: string, view: () => unknown, lens: string, asked?: () => unknown }} descriptor @returns {Panel}
 */
export const plainPanel = ({ id, title, view, lens, asked }) => ({
  id,
  title,
  mount: (place) =>
    void watch(id, () => {
      if (state.lens.value !== lens) return;
      const run = state.run.value;
      const waits = Boolean(asked && !asked() && run && !run.stored && run.id !== state.forgotten.value && state.text.value);
      place.classList.toggle('waits', waits);
      place.ariaBusy = String(waits);
      if (!waits) render(view(), place);
    }),
});
