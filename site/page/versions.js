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
const ROOM = 500_000; // characters that they may take when they are stored for a reload

let clock = 0;

export const versions = signal(/** @type {Version[]} */ ([]));
const currentId = signal(/** @type {number | null} */ (null));

/** @param {number | null} id @returns {Version | null} */
export const versionOf = (id) => versions.value.find((each) => each.id === id) ?? null;

/** A version's token ids if the current model made them and they are of its whole text; otherwise null. @param {Version} version */
export function exactIds({ ids, model }) {
  const { sha256 = null, context_length = 0 } = state.model.value?.manifest ?? {};
  return ids && model === sha256 && ids.length < context_length - 1 ? ids : null;
}

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

/** What a reload brings back: the versions shown last, as far as there is room, and the current one or the nearest before it. */
export function recentVersions() {
  let room = ROOM;
  const recent = [...versions.value].sort((a, b) => b.visited - a.visited);
  const chosen = new Set(recent.filter(({ text, ids }) => {
    const size = text.length + 7 * (ids?.length ?? 0);
    if (size > room) return false;
    room -= size;
    return true;
  }));
  let current = version.value;
  while (current && !chosen.has(current)) current = versionOf(current.parent);
  return { versions: versions.value.filter((each) => chosen.has(each)), current: current?.id ?? null };
}

/** Brings back the versions that were stored before a reload; anything else changes nothing. @param {unknown} stored */
export function restoreVersions(stored) {
  const { versions: found, current } = /** @type {{ versions?: unknown, current?: unknown }} */ (stored ?? {});
  if (!Array.isArray(found) || !found.every(isVersion)) return;
  versions.value = found;
  clock = Math.max(clock, ...found.map(({ id, visited }) => Math.max(id, visited)));
  currentId.value = found.find(({ id }) => id === current)?.id ?? null;
}

/** @param {unknown} given @returns {given is Version} */
function isVersion(given) {
  const { id, parent, text, ids, model, given: from, seed, literal, visited } = /** @type {Partial<Version>} */ (given ?? {});
  const isNumber = Number.isSafeInteger;
  return isNumber(id) && isNumber(visited) && typeof text === 'string' && typeof literal === 'boolean'
    && [parent, from, seed].every((value) => value === null || isNumber(value)) && Number(parent) < Number(id)
    && (model === null || typeof model === 'string') && (ids === null || (Array.isArray(ids) && ids.every(isNumber)));
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
