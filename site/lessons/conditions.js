// What a step of a lesson may wait for: the one list of names with their predicates over what is seen of the page; pure, main thread.

/** @import {Step, Waits} from './schema.js' */

/**
 * What the conditions see of the page (seen.js). `read`: whether the text in the box has been read to its end; `generated`: how
 * many of its tokens the model wrote; `readBefore`: the run that had read it when the lesson was opened; `head`: the head that shades the text, “layer.head”; `off`: the heads that are off; `changed`:
 * whether there are interventions or, of a step's beginning, whether there have been any for that step to remove.
 * @typedef {{
 *   text: string, typed: number, version: number, read: boolean, ids: number[], bytes: [number, number][], generated: number, run: number,
 *   pinned: number | null, lens: string, colouring: string, words: boolean, head: string | null, direction: 'to' | 'from',
 *   readBefore?: number, sinkHidden: boolean, off: string[], changed: boolean, scores: Record<ScoreName, (number | null)[][]> | null
 * }} Seen
 * @typedef {'induction' | 'previous_token' | 'duplicate_token'} ScoreName
 */

/**
 * `title` follows “waits until”; `fields` are those of Waits that it reads, `?` marks those that may be missing; `at` is what to
 * press; `met` compares the page now with the page when the step began.
 * @typedef {{ title: string, fields: readonly string[], at?: (waits: Waits) => string, met: (now: Seen, start: Seen, waits: Waits) => boolean }} Condition
 */

/** The kinds of heads that a model's own scores single out: a lesson names the strongest of one kind, whatever the model. @type {Record<ScoreName, string>} */
export const HEADS = { induction: 'induction head', previous_token: 'previous-token head', duplicate_token: 'duplicate-token head' };

const MOST_REPLACED = 3; // tokens that may differ, if the reader chose again

/** @type {Record<string, Condition>} */
export const CONDITIONS = {
  read: { title: 'the text has been read', fields: [], at: () => '#run', met: (now, start) => now.read && now.run !== start.readBefore },
  pinned: { title: 'a token is pinned', fields: ['word?', 'occurrence?', 'part?'], met: isPinned },
  lens: { title: 'a lens is open', fields: ['lens'], at: ({ lens }) => `#tab-${lens}`, met: (now, _, { lens }) => now.lens === lens },
  colouring: { title: 'a colouring is chosen', fields: ['colouring'], at: () => '#colouring', met: (now, _, { colouring }) => now.colouring === colouring },
  words: { title: 'whole words are shown', fields: [], at: () => '#unit', met: (now) => now.words },
  head: { title: 'a head is open in the Attention lens', fields: ['head'], met: (now, _, { head = '' }) => now.head !== null && now.head === headNamed(head, now.scores) },
  sink: { title: 'the attention sink is hidden', fields: [], met: (now) => now.sinkHidden },
  looked_at_by: { title: '“Looked at by” is chosen', fields: [], met: (now) => now.direction === 'from' },
  off: { title: 'a head is off', fields: ['head'], met: (now, _, { head = '' }) => now.read && now.off.includes(headNamed(head, now.scores) ?? '') },
  unchanged: { title: 'the interventions have been removed', fields: [], met: (now, start) => now.read && !now.changed && start.changed },
  generated: { title: 'the model has continued the text', fields: [], at: () => '#continue', met: (now, start) => now.read && now.generated > 0 && now.run !== start.run },
  replaced: { title: 'a token has been replaced', fields: [], met: isReplaced },
  typed: { title: 'the reader has changed the text, and it has been read', fields: [], met: (now, start) => now.read && now.typed > start.typed && now.text !== start.text },
  said: { title: 'the reader presses Done', fields: [], met: () => false },
};

/** @param {Seen} now @param {Seen} _ @param {Waits} waits */
function isPinned(now, _, { word, occurrence = 1, part }) {
  if (now.pinned === null) return false;
  if (word === undefined) return true;
  const own = tokensOf(now, word, occurrence);
  return part === undefined || part > own.length ? own.includes(now.pinned) : own[part - 1] === now.pinned;
}

/** The tokens that hold any byte of a word, the n-th time it stands in the text. @param {Pick<Seen, 'text' | 'bytes'>} seen @param {string} word @param {number} occurrence */
export function tokensOf({ text, bytes }, word, occurrence) {
  let at = text.indexOf(word);
  for (let i = 1; i < occurrence && at >= 0; i++) at = text.indexOf(word, at + word.length);
  if (at < 0) return [];
  const length = (/** @type {string} */ part) => new TextEncoder().encode(part).length;
  const first = length(text.slice(0, at));
  const end = first + length(word);
  return bytes.flatMap(([from, to], i) => (from < end && to > first ? [i] : []));
}

/** @param {Seen} now @param {Seen} start */
function isReplaced(now, start) {
  if (!now.read || now.generated || now.typed !== start.typed || now.version <= start.version || now.ids.length !== start.ids.length) return false;
  const different = now.ids.filter((id, i) => id !== start.ids[i]).length;
  return different >= 1 && different <= MOST_REPLACED;
}

/** The head that a lesson means: one by its name, “5.1”, or the model's strongest of a kind. @param {string} name @param {Seen['scores']} scores @returns {string | null} */
export function headNamed(name, scores) {
  if (!(name in HEADS)) return name;
  let [best, most] = [/** @type {string | null} */ (null), -Infinity];
  scores?.[/** @type {ScoreName} */ (name)]?.forEach((row, layer) => row.forEach((score, head) => {
    if (score !== null && score > most) [best, most] = [`${layer}.${head}`, score];
  }));
  return best;
}

/** Whether what a step waits for has happened; one with a text of its own waits for that too. @param {Step} step @param {Seen} now @param {Seen} start */
export const isMet = ({ text, waits }, now, start) =>
  (text === undefined || start.text === text || now.text !== start.text) && CONDITIONS[waits.for].met(now, start, waits);
