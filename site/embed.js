// The embed page: draws one run's coloured text from its address or a file beside it, without model, Python or storage.

import { unpacked } from './shared/packed.js';

/**
 * What pyscripts/saved/embed.py writes.
 * @typedef {[background: string, text: string] | null} Pair CSS colours; null: none
 * @typedef {{ label: string, light: string, dark: string }} Stop
 * @typedef {{ text: string, light: Pair, dark: Pair, generated: boolean, name: string, says: string, top: string[] }} Token
 * @typedef {{
 *   schema: string, made_by: string, model: string | null, interventions?: object, text: string, code?: boolean, facts: string, legend: Stop[], tokens: Token[]
 * }} Embedded
 */

const TITLE = document.title; // until a text gives it another
const SCHEMA = 'tokenlight.embed/1';
const FILE = /^(?!.*\.\.)[\w.-]+(\/[\w.-]+)*\.json$/; // below this page only
const COLOUR = /^(#[0-9a-f]{6}|hsl\([\d.]+ [\d.]+% [\d.]+%\)|inherit)$/;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} tag @param {string} text @param {string} [name] */
function element(tag, text, name = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = name;
  return made;
}

/** What the address names. @param {AbortSignal} signal ends the wait for a file @returns {Promise<unknown>} */
async function asked(signal) {
  const hash = new URLSearchParams(location.hash.slice(1));
  const [packed, file] = [hash.get('run'), hash.get('file')];
  if (packed !== null) return JSON.parse(await unpacked(packed));
  if (file === null || !FILE.test(file)) throw new Error('This address does not say which text to show.');
  const response = await fetch(new URL(file, location.href), { signal }).catch(() => {
    throw new Error(`${file} could not be loaded. Check the connection and reload the page.`);
  });
  if (!response.ok) throw new Error(`${file} is missing.`);
  return response.json().catch(() => {
    throw new Error(`${file} is damaged. Save it again with “Embed”.`);
  });
}

/** @param {any} found @returns {Embedded} */
function checked(found) {
  const isText = (/** @type {unknown} */ value) => typeof value === 'string';
  const isPair = (/** @type {any} */ value) => value === null || (Array.isArray(value) && value.length === 2 && value.every(isColour));
  const isColour = (/** @type {unknown} */ value) => typeof value === 'string' && COLOUR.test(value);
  const isToken = (/** @type {any} */ token) =>
    [token?.text, token?.name, token?.says].every(isText) && isPair(token.light) && isPair(token.dark) && isList(token.top, isText);
  const isStop = (/** @type {any} */ stop) => isText(stop?.label) && isColour(stop.light) && isColour(stop.dark);
  const isList = (/** @type {unknown} */ list, /** @type {(each: unknown) => boolean} */ is) => Array.isArray(list) && list.every(is);
  const texts = [found?.text, found?.facts, found?.made_by].every(isText) && (isText(found.model) || (found.model ?? null) === null);
  const whole = found?.schema === SCHEMA && texts && isList(found.tokens, isToken) && isList(found.legend, isStop);
  const begins = whole && found.text.replace(/\r\n?/g, '\n').startsWith(found.tokens.map((/** @type {Token} */ { text }) => text).join('')); // the part that was read
  if (!begins || !found.tokens.length) throw new Error('This is not a text that “Embed” saved.');
  return found;
}

/** @param {Embedded} run */
function draw(run) {
  const spans = run.tokens.map(({ text, light, dark, generated, name, says, top }, i) => {
    const span = element('span', text, generated ? 'generated' : '');
    [span.role, span.ariaLabel, span.ariaSelected, span.tabIndex] = ['option', [name, says, ...top].join('; '), 'false', i ? -1 : 0];
    if (light && dark) {
      span.style.backgroundColor = `light-dark(${light[0]}, ${dark[0]})`;
      span.style.color = `light-dark(${light[1]}, ${dark[1]})`;
    }
    for (const event of ['pointerenter', 'focus', 'click']) span.addEventListener(event, () => say(i));
    return span;
  });
  const say = (/** @type {number} */ i) => {
    const { name, says, top } = run.tokens[i];
    spans.forEach((span, j) => {
      span.classList.toggle('chosen', i === j);
      span.ariaSelected = String(i === j);
      span.tabIndex = i === j ? 0 : -1;
    });
    byId('card').replaceChildren(element('b', name), ` ${says}`, document.createElement('br'), ...top.flatMap((each, j) => [j ? '; ' : '', element('i', each)]));
  };
  const tokens = byId('tokens');
  tokens.replaceChildren(...spans);
  [tokens.role, tokens.ariaLabel] = ['listbox', 'Tokens'];
  tokens.onkeydown = (event) => {
    const now = spans.indexOf(/** @type {HTMLElement} */ (event.target));
    const to = { ArrowLeft: now - 1, ArrowUp: now - 1, ArrowRight: now + 1, ArrowDown: now + 1, Home: 0, End: spans.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    spans[to]?.focus();
  };
  tokens.classList.toggle('code', run.code === true);
  byId('card').textContent = 'Point at a token.';
  byId('key').replaceChildren(...run.legend.map(({ label, light, dark }) => {
    const [entry, swatch] = [element('span', label), document.createElement('i')];
    swatch.style.backgroundColor = `light-dark(${light}, ${dark})`;
    entry.prepend(swatch);
    return entry;
  }));
  byId('facts').textContent = `${run.facts} · ${run.made_by}`;
  document.title = run.text.slice(0, 60);
  const link = /** @type {HTMLAnchorElement} */ (byId('open'));
  link.href = `./#${new URLSearchParams({ ...(run.model ? { model: run.model } : {}), text: run.text })}`;
  link.hidden = false;
}

/** Puts a sentence in the place of the text, and removes all that was about it. @param {string} sentence */
function tell(sentence) {
  const tokens = byId('tokens');
  [tokens.role, tokens.ariaLabel, tokens.onkeydown] = [null, null, null];
  tokens.classList.remove('code');
  tokens.textContent = sentence;
  for (const id of ['card', 'key', 'facts']) byId(id).replaceChildren();
  const link = byId('open');
  link.removeAttribute('href');
  link.hidden = true;
  document.title = TITLE;
}

let newest = new AbortController();

/** Draws what the address names, also after it has changed: what an older address asked for is not waited for any more. */
async function show() {
  newest.abort();
  const { signal } = (newest = new AbortController());
  try {
    const run = checked(await asked(signal));
    if (!signal.aborted) draw(run);
  } catch (error) {
    if (signal.aborted) return;
    const damaged = error instanceof SyntaxError || error instanceof TypeError;
    tell(damaged ? 'The text in this address is damaged. Copy the whole code again.' : /** @type {Error} */ (error).message);
  }
}

addEventListener('hashchange', show);
void show();
