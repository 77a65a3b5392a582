// The options that the page reads and generates with: the settings', and those that the text before was read with; main thread.

import * as state from './state.js';
import * as versions from './versions.js';

/** @import {GenerateOptions} from '../shared/protocol.js' */
/** @import {RunState} from './state.js' */

/** Whether the text in the box is a version that was read without control tokens. */
export const isLiteral = () => Boolean(versions.version.peek()?.literal && versions.version.peek()?.text === state.text.value);

/** Windows that begin half a context apart; a text that was read in windows is read so again. @param {boolean} [begin] @returns {{ stride?: number }} */
export function windows(begin = false) {
  const { stride = null, model } = state.run.value?.conditions ?? {};
  const { sha256, context_length = 2 } = state.model.value?.manifest ?? {};
  return stride === null && !begin ? {} : { stride: stride !== null && model === sha256 ? stride : Math.floor(context_length / 2) };
}

/**
 * How a run's text was read, for what is read or generated in its place. An opened run's interventions become the page's.
 * @param {RunState} run
 */
export const asBefore = ({ literal, withPrefix: prefix, kind, conditions }) => ({
  literal, prefix, ...(kind === 'opened' ? { interventions: JSON.parse(conditions.interventions) } : {}),
});

/**
 * The sampling settings as options of tokenlight.generate.
 * @param {Partial<ReturnType<typeof asBefore>>} [how] the text before was read
 * @returns {GenerateOptions}
 */
export function samplingOptions(how = {}) {
  const { stop, ...others } = state.settings.value.sampling;
  return { ...others, ...how, stop: stop.split('\n').filter(Boolean).map((line) => line.replaceAll('\\n', '\n')) };
}
