// Puts the one text together: box, coloured tokens, stepper, strip, versions; main thread.

import { byId, mount } from '../frame/mount.js';
import { mountAlong } from './along.js';
import { branchesView } from './branches.js';
import { editorView } from './editor.js';
import { loadExamples } from './examples.js';
import { acceptFiles } from './files.js';
import { legendView } from './legend.js';
import { followTyping } from './live.js';
import { followArrivals, speedView } from './speed.js';
import { followKeys, stepperView } from './stepper.js';
import { summaryView } from './summary.js';
import { mountTokens } from './tokens.js';

export function mountText() {
  mount('editor', editorView);
  mount('toolbar', legendView);
  mountTokens(byId('tokens'));
  followArrivals();
  mount('stepper', stepperView);
  mountAlong(byId('along'));
  mount('summary', summaryView);
  mount('speed-line', speedView);
  mount('versions', branchesView);
  acceptFiles();
  followKeys();
  followTyping();
  void loadExamples();
}
