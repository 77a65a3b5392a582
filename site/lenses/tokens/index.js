// The tokens lens: the chosen token in numbers, what stands out in the text, blanks, and two runs compared; main thread.

import { element, byId } from '../../frame/mount.js';
import { watch } from '../../page/notices.js';
import * as state from '../../page/state.js';
import { plainPanel } from '../panel.js';
import { compareView } from './compare.js';
import { followPinned } from './comparing.js';
import { copiesView } from './copies.js';
import { fillInView } from './fill_in.js';
import { findings } from './findings.js';
import { inspectorView } from './inspector.js';
import { next, nextView } from './next.js';
import { remarksView } from './remarks.js';

const PANELS = /** @type {const} */ ([
  ['inspector', 'The selected token', inspectorView, 'section', 'card'],
  ['remarks', 'What stands out', remarksView, 'div', '', () => findings.value],
  ['next', 'What comes next', nextView, 'div', '', () => next.value],
  ['copies', 'Repeated passages', copiesView, 'div', '', () => findings.value],
  ['fill-in', 'Fill in the blank', fillInView, 'section', 'card'],
  ['compare', 'Compare two runs', compareView, 'section', 'card'],
]);
const panels = PANELS.map(([id, title, view, , , asked]) => plainPanel({ id, title, view, lens: 'tokens', asked }));

/** @type {import('../index.js').Lens} */
export const tokensLens = {
  id: 'tokens',
  title: 'Tokens',
  panels,
  mount(place) {
    const others = element('div', 'others'); // beside the inspector, which changes its height with every token pointed at
    panels.forEach((panel, i) => {
      const [id, title, , tag, className] = PANELS[i];
      const own = element(tag, className, id);
      if (tag !== 'div') own.setAttribute('aria-label', title);
      (id === 'inspector' ? place : others).append(own);
      panel.mount(own);
    });
    place.append(others);
    followPinned();
    watch('inspector, as a sheet', () => byId('inspector').classList.toggle('sheet', state.pinned.value !== null && !state.sheetClosed.value));
    watch('inspector, its top', () => {
      state.pinned.value; // another token is read from its top
      byId('inspector').scrollTop = 0;
    });
  },
};
