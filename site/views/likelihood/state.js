// What only the likelihood view needs to know, as signals: written by its actions, read by its parts; main thread.

import * as page from '../../state.js';
import { computed, signal } from '../../vendor/signals-core.js';

/** @import {Colours} from '../../protocol.js' */
/** @import {RunState} from '../../state.js' */

/** Tokens chosen together, `from` up to but not including `to`. */
export const span = signal(/** @type {{ from: number, to: number } | null} */ (null));

/**
 * Lines of the strip, in nats; null where there is no number (pyscripts/text.py).
 * @typedef {{ surprisal_nats: (number | null)[], entropy_nats: (number | null)[], smooth_surprisal_nats: (number | null)[], highest_nats: number }} Strip
 */
export const strip = signal(/** @type {{ runId: number, lines: Strip } | null} */ (null));

/**
 * What stands out in the text (pyscripts/views/whole_text.py).
 * @typedef {{ token: number, text: string, probability: number, surprisal_nats: number, entropy_nats: number, expected: string }} Remark
 * @typedef {{ title: string, count: number, mean_surprisal_nats: number | null, mean_entropy_nats: number | null }} ClassRow
 * @typedef {{ start: number, source: number, length: number, text: string, first_nats: number | null, later_nats: number | null }} CopyRow
 * @typedef {{ surprises: Remark[], less_surprising: Remark[], classes: ClassRow[], code: boolean, copies: CopyRow[],
 *             curve: { first: (number | null)[], later: (number | null)[], count: number[] } }} Findings
 */
export const findings = signal(/** @type {{ runId: number, found: Findings } | null} */ (null));

/**
 * Texts that were read before the present one and after it, for undo and redo; ids where they are known.
 * @typedef {{ text: string, ids: number[] | null }} Version
 */
export const history = signal(/** @type {{ past: Version[], future: Version[] }} */ ({ past: [], future: [] }));

/**
 * A blank and its candidates. A span keeps its token ids; a blank typed as ___ is text on both sides.
 * @typedef {{ left: string | number[], right: string | number[], written: number[] | null, before: string, after: string, from: number, to: number }} Blank
 * @typedef {{ blank: Blank, done: number, all: number, ranked: import('../../protocol.js').Ranked[] | null, error: string | null }} Filling
 *   `ranked` is null while candidates are being scored
 */
export const filling = signal(/** @type {Filling | null} */ (null));

/** What a person typed as candidates, separated by commas. */
export const words = signal('');

/**
 * A run that was computed when the site was built, shown until the model and Python can answer (pyscripts/preview.py).
 * @typedef {{ run: RunState, colours: Record<string, Colours>, colourings: { id: string, title: string, description: string }[],
 *             vocabulary: Record<string, string>, strip: Strip, findings: Findings }} Precomputed
 */
export const precomputed = signal(/** @type {Precomputed | null} */ (null));

/** The run on the page: the model's own, or until there is one the precomputed one. */
export const shown = computed(() => {
  const ready = precomputed.value;
  if (page.run.value || !ready) return page.run.value;
  return { ...ready.run, colours: ready.colours[page.settings.value.colouring] ?? Object.values(ready.colours)[0] };
});

/** The text of a token id; empty where it is not known yet. @param {number} id */
export const tokenText = (id) => page.model.value?.vocabulary[id] ?? precomputed.value?.vocabulary[id] ?? '';

/**
 * The reading that is kept for comparison, as it is named, and the comparison with the current run (pyscripts/views/comparison.py).
 * @typedef {{ model: string, tokens: import('../../protocol.js').TokenizedText, change: (number | null)[], logprob: (number | null)[], colours: Colours, summary: Record<string, number | null> }} Side
 * @typedef {{ a: Side, b: Side, largest: { token: number, text: string, change: number }[] }} Comparison
 */
export const kept = signal(/** @type {{ model: string, text: string, runId: number } | null} */ (null));
export const comparison = signal(/** @type {Comparison | null} */ (null));
