// Runs users' Python code in the lab's worker: starts it, connects it to the model and the run, interrupts it; main thread.

import { signal } from '../vendor/signals-core.js';
import { transfer } from '../vendor/comlink.min.js';
import { workers } from './models.js';
import { message, say, watch } from './notices.js';
import { callback, Part, PartLost } from './part.js';
import * as state from './state.js';

/** @import {CodeAnswer, LabApi, Names} from '../shared/lab_protocol.js' */

const LAB = new URL('../lab/lab.worker.js', import.meta.url);
const MOST_TO_STOP = 2000; // ms for code to react to Stop

/** What the browsers say when Python has used up their stack. */
const TOO_DEEP = /call stack|too much recursion/i;

/** Whether code is running. */
export const busy = signal(false);
/** What the editor can complete; empty until Python has started. */
export const names = signal(/** @type {Names} */ ({ run: [], model: [], metric: [] }));

/** @typedef {{ part: Part<LabApi>, interrupt: Uint8Array | null, booted: Promise<unknown>, joined: ReturnType<typeof workers> | null }} Lab */
/** @type {Lab | null} */
let lab = null;
let runs = 0; // of code, so far
let executing = false; // whether the code itself has begun
let stopping = false;

/** Memory through which Python is interrupted; null where a page may not share any. */
const interruptBuffer = () => (globalThis.crossOriginIsolated && globalThis.SharedArrayBuffer ? new Uint8Array(new SharedArrayBuffer(1)) : null);

/** @param {(words: string) => void} onStage @returns {Lab} */
function started(onStage) {
  if (lab) return lab;
  const part = /** @type {Part<LabApi>} */ (new Part(LAB, () => forget(part)));
  const interrupt = interruptBuffer();
  onStage('Starting Python…');
  const booted = part.wait(part.api.boot(interrupt, callback(() => {}))).then((found) => void (names.value = found));
  booted.catch(() => {}); // said by the code that awaits it
  return (lab = { part, interrupt, booted, joined: null });
}

/** Starts Python, so that the editor knows names and the first run begins sooner. */
export const warm = () => void started(() => {});

/** @param {Part<LabApi>} part */
function forget(part) {
  if (lab?.part === part) lab = null;
}

/** Ends the lab's Python; the next code starts another. @param {string} why */
function end(why) {
  lab?.part.stop(why);
  lab = null;
  endRequests();
}

/** Ends the lab's Python with all that code has changed in it, and starts another. */
export function restartPython() {
  end('Python was restarted.');
  state.ownMetrics.value = { runId: null, metrics: [] };
  warm();
  say('Python was restarted. What code had changed in it is undone.');
}

/** Ends what the model computes for the lab, and what waits for it. */
function endRequests() {
  try {
    workers().inference.api.endLab();
  } catch {
    // there is no model now, so nothing it was asked for
  }
}

/** Connects the lab to the workers that answer now. @param {Lab} to */
async function join(to) {
  const now = workers();
  if (to.joined?.inference === now.inference && to.joined.analysis === now.analysis) return;
  const [run, calls, requests] = [new MessageChannel(), new MessageChannel(), new MessageChannel()];
  await to.part.wait(to.part.api.connect(transfer(run.port1, [run.port1]), transfer(calls.port1, [calls.port1]), transfer(requests.port1, [requests.port1])));
  now.analysis.api.connectLab(transfer(run.port2, [run.port2]));
  await now.inference.wait(now.inference.api.connectLab(transfer(calls.port2, [calls.port2]), transfer(requests.port2, [requests.port2])));
  to.joined = now;
}

/** The page's run, if the lab can have it, and otherwise why not. @returns {{ runId: number | null, why: string }} */
function shownRun() {
  const run = state.run.value;
  const not = (/** @type {string} */ why) => ({ runId: null, why });
  if (!run || run.stored) return not('There is no run yet: read the text first (Run, beside the text).');
  if (run.kind === 'opened') return not('This run was opened from a file. Press Run to read its text here.');
  if (run.id === state.forgotten.value) return not('Python was restarted and no longer has this run. Press Run to read the text again.');
  if (!state.isReadByModel.value) return not(`This text was read with ${run.model.name}. Read it again.`);
  if (!run.done) return not('The text is still being read. Run the code again when that is done.');
  return { runId: run.id, why: '' };
}

/**
 * Runs code over the page's run. What goes wrong is an answer, too.
 * @param {string} source @param {(text: string) => void} onPrint @param {(words: string) => void} onStage what it waits for
 * @returns {Promise<{ answer: CodeAnswer, runId: number | null }>} runId: the run that it is about
 */
export async function runCode(source, onPrint, onStage) {
  if (busy.value) throw new Error('Code is already running.');
  const failed = (/** @type {string} */ error, stopped = false) => /** @type {CodeAnswer} */ ({ json: { kind: 'error', error, lines: [], stopped, out_of_memory: false }, arrays: {}, metrics: [] });
  busy.value = true;
  runs++;
  stopping = false;
  const { runId, why } = shownRun();
  try {
    const own = started(onStage);
    await own.booted;
    await join(own);
    if (stopping) return { answer: failed('Stopped.', true), runId };
    executing = true;
    onStage('Running…');
    const answer = await own.part.wait(own.part.api.execute(source, runId, why, callback(onPrint)));
    if (answer.json.kind === 'error' && answer.json.out_of_memory) end('It ran out of memory.');
    state.ownMetrics.value = { runId, metrics: answer.metrics };
    return { answer, runId };
  } catch (error) {
    if (error instanceof PartLost) return { answer: failed(message(error)), runId };
    end(message(error)); // Python itself failed: it cannot be used again
    const why = TOO_DEEP.test(message(error)) ? 'a value is nested too deeply, or a function calls itself too often' : message(error).slice(0, 300);
    return { answer: failed(`Python stopped working (${why}). It will be restarted.`), runId };
  } finally {
    executing = false;
    busy.value = false;
  }
}

/** What the last code gave, as CSV. Rejects if it is no longer there. */
export async function valueCsv() {
  if (!lab || busy.value) throw new Error(busy.value ? 'Code is running. Wait for it, or stop it.' : 'Python was started again. Run the code again to save what it gives.');
  return lab.part.wait(lab.part.api.csv());
}

/** Ends the code that is running: interrupts Python if memory can be shared, and ends its worker if that takes too long. @param {string} [why] */
export async function stopCode(why = 'Stopped. The code did not react, so its Python was ended; the next run starts another.') {
  const own = lab;
  stopping = true;
  if (!own || !executing) return; // Python is still starting: it will not run the code
  if (own.interrupt) own.interrupt[0] = 2; // SIGINT
  const number = runs;
  setTimeout(() => lab === own && busy.value && runs === number && end(why), MOST_TO_STOP);
  await own.part.wait(own.part.api.cancel()).catch(() => {}); // it was ended
  endRequests(); // after it: the code would take the end of its request for an error
}

/** Code that waits for a model which was replaced would wait for ever. */
watch('the model of the lab', () => {
  const { model, restarting } = state;
  void [model.value, restarting.value];
  if (lab?.joined && busy.peek()) void stopCode('Stopped, since the model was changed.');
});

/** The user's own metric colours the run it was computed for, and no other. */
watch('the colours of the user’s metric', () => {
  const { ownColouring, ownColourings, ownMetrics, run } = state;
  const name = ownColouring.value;
  if (name === null || !run.value || ownColourings.value.some((metric) => metric.name === name)) return;
  ownColouring.value = null;
  if (state.settings.value.words) return;
  const known = ownMetrics.peek().metrics.find((metric) => metric.name === name);
  const words = known ? `“${known.title}” was computed for another run. Run your code again to colour this one.`
    : `Your metric “${name}” is gone, since Python was started again. Run its code again.`;
  queueMicrotask(() => say(words));
});
