// The history of the one text: every version it has had, as a tree; undo goes to the parent, redo to the newest child; main thread.

import { computed, signal } from '../vendor/signals-core.js';
import * as state from './state.js';

/**
 * One version of the text. `ids` are its tokens under the model whose sha256 is `model`; null until it has been read.
 * `literal`: control tokens are read as plain text. Tokens from `given` on were generated, with `seed`; null: none were.
 * @typedef {{ id: number, parent: number | null, text: string, ids: number[] | null, model: string | null, given: number | null,
 *             seed: number | null, literal: boolean, visited: number }} Version
 */

const MOST = 200; // versions kept

let clock = 0;

export const versions = signal(/** @type {Version[]} */ ([]));
const currentId = signal(/** @type {number | null} */ (null));

/** @param {number | null} id @returns {Version | null} */
export const versionOf = (id) => versions.value.find((each) => each.id === id) ?? null;

/** The version that the shown run belongs to. */
export const version = computed(() => versionOf(currentId.value));

/** Where undo and redo lead. A text in the box that is not a version yet becomes one first. */
export const undoTarget = computed(() => {
  const own = version.value;
  if (!own) return null;
  return own.text === state.text.value ? versionOf(own.parent) : own;
});
export const redoTarget = computed(() => {
  const own = version.value;
  if (!own || own.text !== state.text.value) return null;
  const children = versions.value.filter(({ parent }) => parent === own.id);
  return children.reduce((newest, each) => (newest && newest.visited > each.visited ? newest : each), /** @type {Version | null} */ (null));
});

/** Makes a version the current one. @param {number | null} id */
export function visit(id) {
  currentId.value = id;
  if (id !== null) update(id, { visited: ++clock });
}

/**
 * Adds a version and makes it the current one.
 * @param {Pick<Version, 'text'> & Partial<Version>} fields `parent` defaults to the current version
 * @returns {number} its id
 */
export function add(fields) {
  const id = ++clock;
  const added = { parent: currentId.value, ids: null, model: null, given: null, seed: null, literal: false, ...fields, id, visited: id };
  versions.value = pruned([...versions.value, added], id);
  currentId.value = id;
  return id;
}

/** @param {number} id @param {Partial<Version>} fields */
export function update(id, fields) {
  versions.value = versions.value.map((each) => (each.id === id ? { ...each, ...fields } : each));
}

/** Removes a version whose run produced nothing. @param {number} id */
export function remove(id) {
  const gone = versionOf(id);
  if (!gone || versions.value.some(({ parent }) => parent === id)) return;
  versions.value = versions.value.filter((each) => each !== gone);
  if (currentId.value === id) currentId.value = gone.parent;
}

/** Adds the text in the box as a version, if it is not one already. @returns {number | null} the current version's id */
export function commit() {
  const { value: text } = state.text;
  if (text && version.value?.text !== text) add({ text });
  return currentId.value;
}

/** Deletes every version but the current one. */
export function keepOnlyCurrent() {
  const own = version.value;
  versions.value = own ? [{ ...own, parent: null }] : [];
}

/** Drops the oldest leaf if there are more than MOST versions. @param {Version[]} all @param {number} newest @returns {Version[]} */
function pruned(all, newest) {
  if (all.length <= MOST) return all;
  const parents = new Set(all.map(({ parent }) => parent));
  const leaves = all.filter(({ id }) => !parents.has(id) && id !== newest);
  if (leaves.length) {
    const oldest = leaves.reduce((a, b) => (a.visited < b.visited ? a : b));
    return all.filter((each) => each !== oldest);
  }
  const [root, ...others] = all; // a single line of versions: drop its root
  return others.map((each) => (each.parent === root.id ? { ...each, parent: null } : each));
}
