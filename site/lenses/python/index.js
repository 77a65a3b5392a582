// The Python lens: an editor for code over the current run, and what the code gives; main thread.

import { element, mount, valueOf } from '../../frame/mount.js';
import { colourByOwn, shade } from '../../page/choices.js';
import { busy, restartPython, runCode, stopCode, warm } from '../../page/lab.js';
import { say, tell, watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { signal } from '../../vendor/signals-core.js';
import { html, nothing } from '../../vendor/lit-html/lit-html.js';
import { plainPanel } from '../panel.js';
import { PROSE } from '../prose.js';
import { EXAMPLES, fetchExample } from './examples.js';
import { codeBefore, keepCode, keptCode, linkedCode, linkTo, setAside } from './kept_code.js';
import { handed } from './panel_code.js';
import { valueView } from './values.js';

/** @import {CodeAnswer} from '../../shared/lab_protocol.js' */

/** @typedef {'own' | 'link' | 'example' | 'panel'} Origin */

const ID = 'python';
/** @type {ReturnType<typeof import('./editor.js').createEditor> | null} */
let editor = null;
let code = '';
/** Where the code is from, and the title of the panel if it is a panel's. */
const origin = signal(/** @type {Origin} */ ('own'));
const panelTitle = signal('');
const stage = signal('');
const printed = signal('');
const answer = signal(/** @type {CodeAnswer | null} */ (null));
let linked = /** @type {string | null} */ (null); // the code of the newest link that has any
let answered = /** @type {number | null} */ (null); // the run it is about

/** Puts code into the editor, where it waits for Run. @param {string} to @param {Origin} from */
function put(to, from) {
  code = to;
  editor?.set(to);
  origin.value = from;
}

/** Takes the code of the address, also before there is an editor. */
function takeLinked() {
  linked = linkedCode() ?? linked;
  if (editor && linkedCode() !== null && linked !== code) put(/** @type {string} */ (linked), 'link');
}

/** @param {string} changed by typing, or by `put` */
function onChange(changed) {
  if (changed === code) return;
  code = changed;
  if (changed === keptCode()) return void (origin.value = 'own'); // undone
  if (origin.value !== 'own') setAside();
  origin.value = 'own';
  keepCode(code);
}

/** Puts a panel's code into the editor, once there is one. */
function takeHanded() {
  const given = handed.value;
  if (!given || !editor) return;
  handed.value = null;
  panelTitle.value = given.title;
  answer.value = null;
  printed.value = '';
  put(given.code, 'panel');
}

async function run() {
  if (busy.value) return;
  printed.value = '';
  answer.value = null;
  editor?.mark([]);
  const result = await runCode(code, (text) => void (printed.value += text), (words) => void (stage.value = words));
  answered = result.runId;
  answer.value = result.answer;
  if (result.answer.json.kind === 'error') editor?.mark(result.answer.json.lines);
}

/** @param {string} id */
function choose(id) {
  if (id === 'own') return put(keptCode() ?? '', 'own');
  if (id === 'before') {
    const before = codeBefore() ?? '';
    setAside();
    keepCode(before);
    return put(before, 'own');
  }
  fetchExample(id).then((text) => put(text, 'example'), tell);
}

async function copyLink() {
  try {
    const link = linkTo(code);
    await navigator.clipboard.writeText(link).then(() => say('Link to the code copied. It does not hold the text.'), () => say(`The browser did not let the link be copied: ${link}`));
  } catch (error) {
    tell(error);
  }
}

function toolbar() {
  const running = busy.value;
  const kept = origin.value !== 'own' && keptCode();
  return html`
    <div class="row spread">
      <div class="row">
        <button type="button" id="run-code" class="primary" title="Ctrl + Enter in the code" ?disabled=${running || !state.canRun.value} @click=${run}>Run code</button>
        <button type="button" id="stop-code" ?disabled=${!running} @click=${() => stopCode()}>Stop</button>
        <button type="button" class="quiet" id="restart-python" title="Undoes what code has changed in Python itself, such as modules and registered metrics" ?disabled=${running} @click=${restartPython}>Restart Python</button>
        ${running ? html`<span class="hint" role="status">${stage.value}</span>` : nothing}
      </div>
      <div class="row">
        <select id="code-example" class="quiet" aria-label="Examples of code" @change=${(/** @type {Event} */ event) => {
          choose(valueOf(event));
          /** @type {HTMLSelectElement} */ (event.target).value = '';
        }}>
          <option value="">Examples</option>
          ${kept ? html`<option value="own">Your own code</option>` : nothing}
          ${codeBefore() ? html`<option value="before">Your code before this</option>` : nothing}
          ${EXAMPLES.map(({ id, title }) => html`<option value=${id}>${title}</option>`)}
        </select>
        <button type="button" class="quiet" id="link-code" title="Copy a link that holds this code, and not the text" @click=${copyLink}>Copy link</button>
      </div>
    </div>
    ${origin.value === 'panel' ? html`<p class="hint" id="code-from-panel">The Python of “${panelTitle.value}”, for what is chosen there. ${kept ? html`<button type="button" class="quiet" @click=${() => choose('own')}>Back to your own code</button>` : nothing}</p>` : nothing}
    ${origin.value === 'link' ? html`<p class="hint" id="code-from-link">This code came with the link. Read it before you run it.</p>` : nothing}`;
}

/** Whether the answer is about another run than the one shown. Code that had no run is about none, and colours none. */
function isOfOther() {
  const shown = state.run.value?.id ?? null;
  return answered !== shown && (answered !== null || answer.value?.json.kind === 'colours');
}

const output = () => html`
  ${printed.value ? html`<pre class="code-text" id="code-printed" tabindex="0">${printed.value}</pre>` : nothing}
  <div id="code-value">${valueView(answer.value, isOfOther())}</div>
  ${ownMetricsView()}
  <details><summary>What the code can use</summary>
    <p>${PROSE.python.caption} ${PROSE.python.how}</p>
    <p class="formula"><code>${PROSE.python.formula}</code></p>
    <p class="hint">Computed by <code>${PROSE.python.source}</code></p>
  </details>`;

/** The metrics that the user's code has registered, and whether they can colour the text. */
function ownMetricsView() {
  const { runId, metrics } = state.ownMetrics.value;
  const ofRun = runId !== null && runId === state.run.value?.id;
  return metrics.map(({ name, title, error }) => html`<p class="hint own-metric">Your metric “${title}” ${error !== null ? html`has no colours. ${error}`
    : !ofRun ? 'was computed for another run. Run the code again to colour this one.'
      : state.settings.value.words ? 'is of tokens: colour tokens, not words, to choose it above the text.'
        : html`is in the colour menu above the text. <button type="button" class="small" aria-pressed=${state.ownColouring.value === name && !state.shading.value} @click=${() => colourBy(name)}>Colour the text by it</button>`}</p>`);
}

/** @param {string} name of the user's own metric, which the code's value may hide */
function colourBy(name) {
  shade(ID, null);
  colourByOwn(name);
}

/** Colours the text by the code's value, as long as the run is the one it is about. */
function followShading() {
  watch('the Python lens over the text', () => {
    const value = answer.value?.json;
    shade(ID, value?.kind === 'colours' && !isOfOther() ? { title: 'your code', ...value.colours } : null);
  });
}

/** Loads the editor when the lens is first opened. @param {HTMLElement} host */
async function openEditor(host) {
  const own = keptCode();
  const example = (own ?? linked) === null ? await fetchExample(EXAMPLES[0].id) : '';
  const { createEditor } = await import('./editor.js');
  code = linked ?? own ?? example;
  origin.value = linked !== null ? 'link' : own !== null ? 'own' : 'example';
  editor = createEditor(host, { code, onChange, onRun: () => void run(), onFocus: warm });
  watch('the code of a panel', takeHanded);
}

/** @type {import('../index.js').Lens} */
export const pythonLens = {
  id: ID,
  title: 'Python',
  panels: [plainPanel({ id: ID, title: 'Python', view: output, lens: ID })],
  mount(place) {
    const card = element('section', 'card', 'panel-python');
    card.setAttribute('aria-label', 'Python code over the current run');
    const [tools, host, below] = [element('div', 'code-tools'), element('div', 'code-editor', 'code'), element('div', 'code-output', 'code-output')];
    card.append(tools, host, below);
    place.append(card);
    mount(tools, toolbar, ID);
    pythonLens.panels[0].mount(below);
    followShading();
    let opened = false;
    takeLinked(); // the address changes soon
    addEventListener('popstate', takeLinked);
    watch('the code editor', () => {
      if (state.lens.value !== ID || opened) return;
      opened = true;
      openEditor(host).catch(tell);
    });
  },
};
