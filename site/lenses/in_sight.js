// Which panels are in or near the window: only these are asked for and drawn; main thread.

import { signal } from '../vendor/signals-core.js';

const NEAR = '300px';

/** Panels in sight, by id. */
const inSight = signal(/** @type {ReadonlySet<string>} */ (new Set()));

/** @param {string} id */
export const isSeen = (id) => inSight.value.has(id);

/** @type {WeakMap<Element, string>} */
const ids = new WeakMap();
const observer = new IntersectionObserver(
  (entries) => {
    const seen = new Set(inSight.peek());
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? 'add' : 'delete'](/** @type {string} */ (ids.get(target)));
    inSight.value = seen;
  },
  { rootMargin: NEAR },
);

/** @param {Element} place @param {string} id */
export function watchSight(place, id) {
  ids.set(place, id);
  observer.observe(place);
}
