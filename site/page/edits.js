// What users do with the one text: type, read, continue, branch, undo; every change is a version; main thread.

import { MAX_SEED } from '../shared/options.js';
import { batch, untracked } from '../vendor/signals-core.js';
import { pinIfThere, set } from './choices.js';
import { tell, watch } from './notices.js';
import { isGenerating, openRun, startRun, stop } from './runs.js';
import { asBefore, isLiteral, samplingOptions, windows } from './run_options.js';
import * as state from './state.js';
import * as versions from './versions.js';

/** @import {AnalyzeOptions, GenerateOptions} from '../shared/protocol.js' */
/** @import {Run} from './runs.js' */
/** @import {RunState} from './state.js' */
/** @import {Version} from './versions.js' */

let touched = false; // whether the user or a script has ever put a text into the box
let toRead = false; // whether to read the page's own text as soon as a model is ready
let asks = 0; // counts edits and requests: a run may put its text into the box only if nothing newer has happened
let typing = -1; // the newest of them that was typing
let endGrowing = () => {}; // ends what puts the newest generated text into the box

/** Takes what was typed. Text that is being generated ends where the user has seen it. @param {string} text */
export function setText(text) {
  if (isGenerating()) void stop();
  typing = asks + 1;
  batch(() => {
    hold(text);
    state.typed.value++;
  });
}

/** Whether nothing has been asked for since the user last typed. */
export const typedLast = () => typing === asks;

/** Puts a text of the user's that was not just typed into the box; it waits there until they ask. @param {string} text */
export function hold(text) {
  touched = true;
  toRead = false;
  asks++;
  state.text.value = text;
}

/** Puts the page's own text into the box, unless it has been used, and reads it as soon as a model is ready. @param {string} text @param {boolean} [read] @param {boolean} [literal] */
export function offer(text, read = true, literal = false) {
  if (touched || state.text.value) return;
  state.text.value = text;
  if (literal) versions.add({ text, literal });
  toRead = read;
  if (read && state.canRun.value && !state.run.value) unasked(readText);
}

/** Puts another text into the box; the previous one becomes a version first. @param {string} text @param {Partial<Version>} [fields] @returns {number} the version's id */
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

/** Opens a text from elsewhere (an example, a file, a link) and reads it once a model is ready. @param {string} text @param {boolean} [literal] */
export function openText(text, literal = false) {
  put(text, { literal });
  if (state.canRun.value) void attempt(() => read(text, { literal }));
  else toRead = true;
}

/**
 * Opens a saved run: shown as it was saved, whatever model is loaded. Rejects if the file is no run.
 * @param {Uint8Array} data @param {string} name the file's
 */
export const openSaved = (data, name) =>
  openRun(data, name, ({ tokens, source, conditions, literal, given }) => {
    const text = source ?? tokens.text; // of a reading that was stopped, the file may have no other tokens than those that were read
    put(text, { ids: text === tokens.text ? tokens.ids : null, model: conditions.model, literal, given: given < tokens.ids.length ? given : null });
  });

/** Reads what is in the box; what was generated stays marked as such. @returns {Promise<void>} resolves when the run has ended, even if it failed */
export const readText = () =>
  attempt(() => {
    const own = versions.version.peek();
    const run = own?.text === state.text.value ? readGenerated(own) : null;
    if (run) asks++;
    return run ?? read(state.text.value, { literal: isLiteral(), ...windows() });
  });

/** Reads what is in the box in windows, so that all of it is read although it is longer than the context. */
export const readInWindows = () => attempt(() => read(state.text.value, { literal: isLiteral(), ...windows(true) }));

/** Reads what is in the box, with control tokens as such or, if literal, as plain text. @param {boolean} literal */
export const readControlTokens = (literal) => attempt(() => read(state.text.value, { literal, ...windows() }));

/** Reads the text in the box while the user types; adds no version. The current notice stays if the text waited for the model. @param {boolean} waited */
export function readLive(waited) {
  const read = () => attempt(() => startRun('read', state.text.value, { topK: state.settings.value.topK, literal: isLiteral(), ...windows() }));
  if (waited) unasked(read);
  else void read();
}

/** Reads without having been asked by the user; the current notice stays. @param {() => unknown} read */
function unasked(read) {
  const said = state.notice.peek();
  read();
  if (said && !state.notice.peek()) state.notice.value = said;
}

/** Starts what the user asked for; errors are shown on the page. @param {() => Run} start */
export async function attempt(start) {
  try {
    await start().done.catch(() => {}); // a run shows its own errors
  } catch (error) {
    tell(error);
  }
}

/**
 * Reads a text and puts it into the box.
 * @param {string | number[]} input a text, or token ids exactly as they are cut
 * @param {object} options of tokenlight.analyze
 * @param {number | null} [chosen] a token to pin
 * @returns {Run}
 */
export function read(input, options, chosen = null) {
  const run = startRun('read', input, { topK: state.settings.value.topK, ...options });
  const { literal = false } = /** @type {AnalyzeOptions} */ (options);
  const own = versions.version.peek();
  const other = own?.text === input && own.ids !== null && own.literal !== literal; // read the other way it is another version
  if (typeof input === 'string' && (other || input !== state.text.value)) put(input, { literal });
  else if (typeof input === 'string') versions.commit();
  const known = typeof input === 'string' ? versions.version.peek() : null;
  const mine = ++asks;
  run.tokens.then(({ text, ids }) => {
    if (state.run.value?.id !== run.id) return; // a newer run took its place
    if (known) noteTokens(known, literal);
    else if (mine === asks) put(text, { ids, literal, model: state.run.value.conditions.model });
    else versions.add({ text, ids, literal, model: state.run.value.conditions.model });
    if (chosen !== null) pinIfThere(chosen);
  }, () => {});
  return run;
}

/** Reads a version whose end was generated; null if none of it was. @param {Version} version */
function readGenerated(version) {
  const { given, literal } = version;
  const ids = versions.exactIds(version);
  if (!ids || given === null || given >= ids.length) return null;
  return startRun('generate', ids, { ...samplingOptions({ literal }), maxTokens: 0 }, { given });
}

/** Stores the shown run's tokens in a version, unless its text has changed. @param {Version} of @param {boolean} literal */
function noteTokens({ id, text }, literal) {
  const { tokens, conditions } = /** @type {RunState} */ (state.run.value);
  if (versions.versionOf(id)?.text === text) versions.update(id, { ids: tokens.ids, model: conditions.model, literal });
}

/**
 * Generates after a prompt. Its text goes into the box and becomes a version, until something newer is asked for.
 * @param {string | number[]} input
 * @param {object} options of tokenlight.generate
 * @param {{ given?: number | null, parent?: number | null, once?: boolean }} [how] once: see startRun
 * @returns {Run}
 */
export function generate(input, options, { given = null, parent, once } = {}) {
  const run = startRun('generate', input, options, { given, once });
  const { seed = 0, literal = false } = /** @type {GenerateOptions} */ (options);
  if (typeof input === 'string' && input !== state.text.value) put(input);
  const base = versions.commit();
  const mine = ++asks;
  const id = versions.add({ text: state.text.value, parent: parent === undefined ? base : parent, seed, literal, given: given ?? 0 });
  const note = () => {
    const shown = state.run.value;
    if (shown?.id !== run.id || mine !== asks) return; // what arrives after something newer was asked for is ignored
    const { text, ids, total } = shown.tokens;
    batch(() => {
      versions.update(id, { text, ids, given: shown.given, model: shown.conditions.model });
      if (total === ids.length) state.text.value = text; // a text longer than the context is not cut
    });
  };
  // The box grows with it; the last tokens may come after the run has ended, since the two workers' messages are unordered.
  endGrowing();
  endGrowing = watch('generated text', () => void (state.run.value?.id === run.id && untracked(note)));
  const conclude = () => {
    note();
    if (!versions.versionOf(id)?.ids) versions.remove(id); // the run produced nothing
  };
  run.done.then(conclude, conclude);
  return run;
}

/** The shown run, if its text is the one in the box. */
const runOfBox = () => {
  const run = state.run.value;
  return run && !run.stored && run.tokens.text === state.text.value && state.isReadByModel.value ? run : null;
};

/** Continues the text in the box, as if it had never stopped. */
export const continueText = () =>
  attempt(() => {
    const run = runOfBox();
    return run ? generate(run.tokens.ids, samplingOptions(asBefore(run)), { given: run.given }) : generate(state.text.value, samplingOptions({ literal: isLiteral() }));
  });

/** Generates again from the same prompt with the next seed; the previous text stays a version. */
export function newSample() {
  const run = runOfBox();
  if (!run) return continueText();
  const { sampling } = state.settings.value;
  set('sampling', { ...sampling, seed: sampling.seed < MAX_SEED ? sampling.seed + 1 : 0 });
  const own = versions.version.value;
  const parent = own && own.given !== null && own.text === run.tokens.text ? own.parent : versions.commit();
  return attempt(() => generate(run.tokens.ids.slice(0, run.given), samplingOptions(asBefore(run)), { given: run.given, parent }));
}

/** Reads the shown text again, under other interventions; what was generated stays marked as such. */
export function readUnder() {
  const run = runOfBox();
  if (!run) return state.text.value && state.canRun.value ? readText() : Promise.resolve();
  const { literal, withPrefix: prefix, tokens: { ids } } = run;
  const generated = run.given < ids.length;
  return attempt(() =>
    generated
      ? startRun('generate', ids, { ...samplingOptions({ literal, prefix }), maxTokens: 0 }, { given: run.given })
      : startRun('read', state.text.value, { topK: state.settings.value.topK, prefix, literal }));
}

/** Restores a version. @param {Version | null} wanted */
export function show(wanted) {
  if (!wanted) return;
  const { text, literal } = wanted;
  asks++;
  batch(() => {
    versions.commit();
    versions.visit(wanted.id);
    state.text.value = text;
  });
  if (!state.canRun.value || !text) return;
  const note = (/** @type {Run} */ run) => {
    run.tokens.then(() => state.run.value?.id === run.id && noteTokens(wanted, literal), () => {});
    return run;
  };
  const options = { topK: state.settings.value.topK, literal, ...windows() };
  return attempt(() => note(readGenerated(wanted) ?? startRun('read', versions.exactIds(wanted) ?? text, options)));
}

export const undo = () => show(versions.undoTarget.value);
export const redo = () => show(versions.redoTarget.value);

/** Reads the shown text again with a model that has just been loaded; text being typed in the box is left alone. */
export function readAgain(crashed = false) {
  const run = state.run.value;
  const model = state.model.value?.manifest.sha256;
  if (toRead || (run?.stored && run.tokens.text === state.text.value)) unasked(readText);
  else if (run && !run.stored && run.kind !== 'opened' && !crashed && (run.conditions.model !== model || run.id === state.forgotten.value)) {
    const options = { topK: state.settings.value.topK, prefix: run.withPrefix, literal: run.literal, ...windows() };
    const cut = run.tokens.total > run.tokens.ids.length && state.text.value.startsWith(run.tokens.text);
    unasked(() => attempt(() => startRun('read', cut ? state.text.value : run.tokens.text, options)));
  }
  toRead = false;
}
