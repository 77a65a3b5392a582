// Fetches the first example of the model that will be loaded, and draws it while the page's other modules are on their way; main thread.

import { DRAFT, PREFERENCES } from '../page/keys.js';
import { fetchIndex, fetchManifest, MODELS } from '../shared/manifest.js';
import { asInBox } from '../shared/token_text.js';
import { looksLikeCode } from './face.js';
import { TokenElements } from './token_elements.js';

/** @import {Colouring, Colours, Manifest, Summary, TokenizedText, Views} from '../shared/protocol.js' */

export const PATIENCE = 400; // ms after which the page does not wait for the first example

/**
 * What the page shows of an example before a model can read it: pyscripts/page/preview.py. NaN is null in it.
 * @typedef {{ version?: number, tokens: Omit<TokenizedText, 'hex' | 'control'> & Partial<TokenizedText>, columns: Record<string, (number | null)[]>, top_k: number,
 *   vocabulary: Record<string, string>, colours: Record<string, Colours>, colourings: Colouring[], summary: Summary,
 *   strip: { highest_nats: number } & Record<'surprisal_nats' | 'entropy_nats' | 'smooth_surprisal_nats', (number | null)[]>,
 *   findings: Views['findings']['answer']['json'] }} Preview
 * @typedef {{ schema?: string, page?: Preview }} Example its Run, of which the page reads only this
 * @typedef {{ manifest: Manifest, run: Example | null }} First `run`: the first example's, null if the model has none
 */

/** @returns {Promise<First | null>} null if this site has no model */
async function fetchFirst() {
  const asked = new URLSearchParams(location.hash.slice(1)).get('model');
  const models = await fetchIndex(MODELS, asked);
  const entry = models.find(({ id }) => id === asked) ?? models[0];
  if (!entry) return null;
  const manifest = await fetchManifest(MODELS, entry.id);
  const [example] = manifest.examples ?? [];
  return { manifest, run: example ? await fetchExample(manifest, example.name) : null };
}

/** A finished example's Run; null if it is not there. @param {Manifest} manifest @param {string} name @returns {Promise<Example | null>} */
export async function fetchExample(manifest, name) {
  const response = await fetch(new URL(`${manifest.id}/${name}`, MODELS));
  return response.ok ? response.json() : null;
}

const root = /** @type {HTMLElement} */ (document.getElementById('tokens'));
const box = /** @type {HTMLTextAreaElement} */ (document.getElementById('text'));

/** The tokens of the one text. */
export const elements = new TokenElements(root, 'token', root.querySelector('.unread'));

/** The text that was drawn before the page had started; empty if none was. */
export let drawnText = '';

/** What a newcomer reads above the text. @param {string} model its name */
export const explanation = (model) =>
  `Each token is coloured by how likely ${model} found it. Click one, type your own text, or choose a lesson under Examples.`;

/** Draws a first visit's example, where nothing else was asked for. @param {First | null} found @returns {First | null} */
function draw(found) {
  const page = found?.run?.page;
  if (page && !box.value && firstVisit) {
    elements.update({ hex: [], control: [], ...page.tokens }, page.tokens.ids.length);
    elements.paint(page.colours.hue);
    root.parentElement?.classList.toggle('monospaced', looksLikeCode(page.tokens.text));
    box.value = drawnText = asInBox(page.tokens.text);
    const welcome = /** @type {HTMLElement} */ (document.querySelector('#welcome > .welcome'));
    welcome.hidden = false;
    welcome.firstElementChild?.append(explanation(found.manifest.name));
  }
  return found;
}

/** Whether nothing is kept of an earlier visit, and the address asks for a model at most. */
function isFirstVisit() {
  const asked = [...new URLSearchParams(location.hash.slice(1)).keys()];
  try {
    return asked.every((name) => name === 'model') && !localStorage.getItem(PREFERENCES) && !sessionStorage.getItem(DRAFT);
  } catch {
    return false; // a private window may refuse
  }
}

/** Loads the page's other modules. */
function loadPage() {
  document.head.append(/** @type {HTMLTemplateElement} */ (document.getElementById('page')).content);
}

/** Holds back the load event, by which programs take the page for complete: a frame that is being written. @returns {() => void} lets it go */
function holdLoad() {
  const frame = document.createElement('iframe');
  frame.hidden = true;
  document.body.append(frame);
  frame.contentDocument?.open();
  return () => {
    frame.contentDocument?.close();
    frame.remove();
  };
}

const firstVisit = isFirstVisit();

/** What fails is missing only from the first look: loading the model reports it. */
export const first = fetchFirst().then(draw).catch(() => null);

// Nothing competes with a first look, unless it is late.
if (firstVisit) {
  const letGo = holdLoad();
  void Promise.race([first, new Promise((resolve) => setTimeout(resolve, PATIENCE))]).then(loadPage).then(letGo);
} else loadPage();
