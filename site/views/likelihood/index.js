// Puts the likelihood view together; main thread.

import * as state from '../../state.js';
import { effect } from '../../vendor/signals-core.js';
import { mount } from '../mount.js';
import { mountAlong } from './along.js';
import { compareView } from './compare.js';
import { followComparison } from './comparing.js';
import { copiesView } from './copies.js';
import { editorView } from './editor.js';
import { loadExamples } from './examples.js';
import { fillInView } from './fill_in.js';
import { acceptFiles } from './files.js';
import { followRun } from './findings.js';
import { inspectorView } from './inspector.js';
import { followTyping } from './live.js';
import { showFirst } from './precomputed.js';
import { mountReading } from './reading.js';
import { remarksView } from './remarks.js';
import { summaryView } from './summary.js';
import { toolbarView } from './toolbar.js';

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {{ model: string | null, text: string | null }} asked what the address asks for */
export function mountLikelihood(asked) {
  mount('editor', editorView, 'likelihood');
  mount('toolbar', toolbarView, 'likelihood');
  mountReading(byId('tokens'));
  mount('summary', summaryView, 'likelihood');
  mountAlong(byId('along'));
  mount('fill-in', fillInView, 'likelihood');
  mount('remarks', remarksView, 'likelihood');
  mount('copies', copiesView, 'likelihood');
  mount('inspector', inspectorView, 'likelihood');
  effect(() => {
    state.pinned.value; // another token is read from its top
    byId('inspector').scrollTop = 0;
  });
  acceptFiles(byId('likelihood'));
  mount('compare', compareView, 'likelihood');
  followRun();
  followComparison();
  followTyping();
  void showFirst(asked);
  void loadExamples();
}
