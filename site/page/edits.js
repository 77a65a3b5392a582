// What visitors do with the one text: type, read, replace, continue, branch, undo; every change is a version; main thread.

import { batch, untracked } from '../vendor/signals-core.js';
import { say, tell, watch } from './notices.js';
import { startRun } from './runs.js';
import * as state from './state.js';
import * as versions from './versions.js';

/** @import {AnalyzeOptions, GenerateOptions} from '../shared/protocol.js' */
/** @import {Run} from './runs.js' */
/** @import {RunState} from './state.js' */
/** @import {Version} from './versions.js' */

let touched = false; // whether the box holds, or held, something that the visitor or a script put there
let toRead = false; // whether what the page itself put there is read as soon as a model can
let asks = 0; // counts what was typed or asked for: a run puts its text into the box only while nothing newer was
let typing = -1; // which of them was typed last

/** Takes what was typed. @param {string} text */
export function setText(text) {
  typing = asks + 1;
  batch(() => {
    hold(text);
    state.typed.value++;
  });
}

/** Whether typing is the newest thing that was done to the text: nothing has been asked for since. */
export const typedLast = () => typing === asks;

/** Puts a text that is the visitor's, but has not just been typed, into the box; it waits there until they ask. @param {string} text */
export function hold(text) {
  touched = true;
  toRead = false;
  asks++;
  state.text.value = text;
}

/** Puts a text of the page's own into the box, unless something is or was in it, and reads it as soon as a model can. @param {string} text @param {boolean} [read] */
export function offer(text, read = true) {
  if (touched || state.text.value) return;
  state.text.value = text;
  toRead = read;
  if (read && state.canRun.value && !state.run.value) unasked(readText);
}

/** Puts another text into the box; the one that was there becomes a version first. @param {string} text @param {Partial<Version>} [fields] @returns {number} the version's id */
export function put(text, fields = {}) {
  touched = true;
  toRead = false;
  asks++;
  return batch(() => {
    versions.commit();
    state.text.value = text;
    return versions.add({ text, ...fields });
  });
}

/** Opens a text from elsewhere (an example, a file, a link) and reads it if a model can. @param {string} text @param {number | null} [chosen] a token to pin */
export function openText(text, chosen = null) {
  put(text);
  if (state.canRun.value) void attempt(() => read(text, {}, chosen));
  else toRead = true;
}

/** Reads what is in the box. @returns {Promise<void>} resolves when the run has ended, however */
export const readText = () => attempt(() => read(state.text.value, { literal: isLiteral() }));

/** Reads what is in the box again, its control tokens as plain text or as what they are. @param {boolean} literal */
export const readControlTokens = (literal) => attempt(() => read(state.text.value, { literal }));

/** Whether the text in the box is a version whose control tokens were read as plain text. */
function isLiteral() {
  const own = versions.version.peek();
  return own !== null && own.literal && own.text === state.text.value;
}

/** Reads what was typed into the box: no version of its own. What the page has said stays if it waited for the model. @param {boolean} waited */
export function readLive(waited) {
  const read = () => attempt(() => startRun('read', state.text.value, { topK: state.settings.value.topK, literal: isLiteral() }));
  if (waited) unasked(read);
  else void read();
}

/** Reads by the page's own wish: what it has just said, of a model that is not there or of WebGPU, stays. @param {() => unknown} read */
function unasked(read) {
  const said = state.notice.peek();
  read();
  if (said && !state.notice.peek()) state.notice.value = said;
}

/** Starts what a visitor asked for; what goes wrong is said on the page. @param {() => Run} start */
async function attempt(start) {
  try {
    await start().done.catch(() => {}); // a run says itself what went wrong
  } catch (error) {
    tell(error);
  }
}

/**
 * Reads a text, which is then in the box.
 * @param {string | number[]} input a text, or token ids exactly as they are cut
 * @param {object} options of tokenlight.analyze
 * @param {number | null} [chosen] a token to pin
 * @returns {Run}
 */
export function read(input, options, chosen = null) {
  const run = startRun('read', input, { topK: state.settings.value.topK, ...options });
  if (typeof input === 'string' && input !== state.text.value) put(input);
  else if (typeof input === 'string') versions.commit();
  const known = typeof input === 'string' ? versions.version.peek() : null;
  const { literal = false } = /** @type {AnalyzeOptions} */ (options);
  const mine = ++asks;
  run.tokens.then(({ text, ids }) => {
    if (state.run.value?.id !== run.id) return; // a newer run took its place
    if (known) noteTokens(known, literal);
    else if (mine === asks) put(text, { ids, model: state.run.value.conditions.model, literal });
    else versions.add({ text, ids, model: state.run.value.conditions.model, literal });
    if (chosen !== null) pinIfThere(chosen);
  }, () => {});
  return run;
}

/** Notes with a version what the shown run cut its text into, unless the version says something else by now. @param {Version} of @param {boolean} literal */
function noteTokens({ id, text }, literal) {
  const { tokens, conditions } = /** @type {RunState} */ (state.run.value);
  if (versions.versionOf(id)?.text === text) versions.update(id, { ids: tokens.ids, model: conditions.model, literal });
}

/**
 * Generates after a prompt. The text goes into the box unless something was typed meanwhile; it is a version either way.
 * @param {string | number[]} input
 * @param {object} options of tokenlight.generate
 * @param {{ given?: number | null, parent?: number | null }} [how]
 * @returns {Run}
 */
export function generate(input, options, { given = null, parent } = {}) {
  const run = startRun('generate', input, options, { given });
  const { seed = 0, literal = false } = /** @type {GenerateOptions} */ (options);
  if (typeof input === 'string' && input !== state.text.value) put(input);
  const base = versions.commit();
  const mine = ++asks;
  const id = versions.add({ text: state.text.value, parent: parent === undefined ? base : parent, seed, given: given ?? 0, literal });
  const note = () => {
    const shown = state.run.value;
    if (shown?.id !== run.id) return;
    const { text, ids, total } = shown.tokens;
    batch(() => {
      versions.update(id, { text, ids, given: shown.given, model: shown.conditions.model });
      if (mine === asks && total === ids.length) state.text.value = text; // a text longer than the context stays whole
    });
  };
  const end = watch('generated text', () => void (state.run.value?.id === run.id && untracked(note))); // the box grows with it
  run.done.then(() => (end(), note()), () => {
    end();
    note();
    if (!versions.versionOf(id)?.ids) versions.remove(id); // nothing came of it
  });
  return run;
}

/** The sampling settings as options of tokenlight.generate. @returns {GenerateOptions} */
export function samplingOptions() {
  const { stop, ...others } = state.settings.value.sampling;
  return { ...others, stop: stop.split('\n').filter(Boolean).map((line) => line.replaceAll('\\n', '\n')) };
}

/** The shown run, if it is of the text in the box and of the model that answers; else null, said on the page. @returns {RunState | null} */
function usable() {
  const run = state.run.value;
  if (!run || run.stored) return null;
  if (run.conditions.model !== state.model.value?.manifest.sha256) say(`This text was read with ${run.model.name}: run it again first.`, true);
  else if (!state.isRead.value) say('The text has changed since it was read: run it again first.', true);
  else return run;
  return null;
}

/** The shown run, if it is of the text that is in the box. */
const runOfBox = () => {
  const run = state.run.value;
  return run && !run.stored && run.tokens.text === state.text.value && run.conditions.model === state.model.value?.manifest.sha256 ? run : null;
};

/** Continues the text in the box, as if it had never stopped. */
export const continueText = () =>
  attempt(() => {
    const run = runOfBox();
    if (run) return generate(run.tokens.ids, { ...samplingOptions(), literal: run.literal }, { given: run.given });
    return generate(state.text.value, { ...samplingOptions(), literal: isLiteral() });
  });

/** Generates again from the part that was given, with the next seed; the text as it was stays a version. */
export function newSample() {
  const run = runOfBox();
  if (!run) return continueText();
  const { sampling } = state.settings.value;
  set('sampling', { ...sampling, seed: sampling.seed + 1 });
  const own = versions.version.value;
  const parent = own && own.given !== null && own.text === run.tokens.text ? own.parent : versions.commit();
  return attempt(() => generate(run.tokens.ids.slice(0, run.given), { ...samplingOptions(), literal: run.literal }, { given: run.given, parent }));
}

/** Puts another token at a place and generates from there; the text as it was stays a version. @param {number} token @param {number} id */
export function continueFrom(token, id) {
  const run = usable();
  if (!run) return;
  return attempt(() => generate([...run.tokens.ids.slice(0, token), id], { ...samplingOptions(), literal: run.literal }, { given: Math.min(run.given, token + 1) }));
}

/** Replaces tokens by others and reads the text again. @param {number} from @param {number} to not replaced itself @param {number[]} ids */
export function replace(from, to, ids) {
  const run = usable();
  if (!run) return;
  return attempt(() => read([...run.tokens.ids.slice(0, from), ...ids, ...run.tokens.ids.slice(to)], { literal: run.literal }, from));
}

/** Shows a version again, as it was. @param {Version | null} wanted @param {number | null} [chosen] a token to pin */
export function show(wanted, chosen = null) {
  if (!wanted) return;
  const { text, ids, given, model, literal } = wanted;
  asks++;
  batch(() => {
    versions.commit();
    versions.visit(wanted.id);
    state.text.value = text;
  });
  if (!state.canRun.value || !text) return;
  const exact = ids && model === state.model.value?.manifest.sha256 ? ids : null;
  const note = (/** @type {Run} */ run) => {
    run.tokens.then(() => {
      if (state.run.value?.id !== run.id) return;
      noteTokens(wanted, literal);
      if (chosen !== null) pinIfThere(chosen);
    }, () => {});
    return run;
  };
  return attempt(() =>
    note(exact && given !== null && given < exact.length
      ? startRun('generate', exact, { ...samplingOptions(), maxTokens: 0, literal }, { given })
      : startRun('read', exact ?? text, { topK: state.settings.value.topK, literal })));
}

export const undo = () => show(versions.undoTarget.value);
export const redo = () => show(versions.redoTarget.value);

/** Reads the shown text with the model that has taken over, as far as the visitor has not gone on to another; what is typed in the box stays there. */
export function readAgain(crashed = false) {
  const run = state.run.value;
  const model = state.model.value?.manifest.sha256;
  if (toRead || (run?.stored && run.tokens.text === state.text.value)) unasked(readText);
  else if (run && !run.stored && !crashed && (run.conditions.model !== model || run.id === state.forgotten.value)) {
    const options = { topK: state.settings.value.topK, prefix: run.conditions.prefix !== null, literal: run.literal };
    unasked(() => attempt(() => startRun('read', run.tokens.text, options)));
  }
  toRead = false;
}

/**
 * Changes what is chosen in the shown run.
 * @param {Partial<import('./state.js').Choice>} changes
 */
export function select(changes) {
  const { hovered, pinned, span } = state;
  state.selection.value = { run: state.run.value?.id ?? null, hovered: hovered.value, pinned: pinned.value, span: span.value, ...changes };
}

export const hover = (/** @type {number | null} */ index) => select({ hovered: index });

/** Pins a token, or unpins it if it was the one. @param {number | null} index */
export const pin = (index) => select({ pinned: state.pinned.value === index ? null : index });

/** Pins a token of the shown run; one that it does not have is left out. @param {number} index */
export const pinIfThere = (index) => {
  if (index < (state.run.value?.tokens.ids.length ?? 0)) select({ pinned: index });
};

/** Chooses the token that panels show; the last one means: the newest. @param {number} index */
export function stepTo(index) {
  const last = state.count.value - 1;
  if (last < 0) return;
  const to = Math.max(0, Math.min(last, index));
  select({ pinned: to === last ? null : to });
}

/** @param {number} by */
export const step = (by) => stepTo((state.current.value ?? 0) + by);

/**
 * Changes a setting of the page.
 * @template {keyof typeof state.settings.value} Name
 * @param {Name} name @param {(typeof state.settings.value)[Name]} value
 */
export const set = (name, value) => void (state.settings.value = { ...state.settings.value, [name]: value });

/** @param {string | null} id a lens; anything unknown is the first */
export const setLens = (id) => void (state.lens.value = state.lenses.value.find((lens) => lens === id) ?? state.lenses.value[0]);

/** Says which lenses there are; the first is open until another is chosen. @param {string[]} ids */
export function offerLenses(ids) {
  state.lenses.value = ids;
  setLens(state.lens.value);
}

