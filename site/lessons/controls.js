// Which lenses and panels a lesson shows: hides the others, and brings everything back; main thread.

import { lenses } from '../lenses/index.js';
import { offerLenses, setLens } from '../page/choices.js';

/** @import {Known, Lesson} from './schema.js' */

/** A panel's element. @param {string} id */
const place = (id) => document.getElementById(`panel-${id}`) ?? document.getElementById(id);

/** The lenses and panels of the page. @returns {Known} */
export const known = () => ({ lenses: lenses.map(({ id }) => id), panels: lenses.flatMap(({ panels }) => panels.map(({ id }) => id)) });

/** The panels that a list shows: a lens of which none is listed shows all of its own. @param {string[] | undefined} listed */
export const shownPanels = (listed) =>
  lenses.flatMap(({ panels }) => {
    const own = panels.map(({ id }) => id);
    const some = own.filter((id) => listed?.includes(id));
    return some.length ? some : own;
  });

/** Shows the lenses and panels of a lesson, or everything. @param {Pick<Lesson, 'lenses' | 'panels' | 'lens'>} [which] */
export function showControls({ lenses: shown, panels, lens } = {}) {
  offerLenses(shown ?? known().lenses);
  if (lens) setLens(lens);
  const seen = shownPanels(panels);
  for (const id of known().panels) place(id)?.toggleAttribute('hidden', !seen.includes(id));
}
