// Puts the one text together: where it comes from, the text itself, its buttons, stepper, strip, versions; main thread.

import { byId, mount } from '../frame/mount.js';
import { loadLessons } from '../lessons/list.js';
import { actionsView } from './actions.js';
import { branchesView } from './branches.js';
import { loadExamples } from './examples.js';
import { acceptFiles } from './files.js';
import { interventionsView } from './interventions.js';
import { legendView } from './legend.js';
import { followTyping } from './live.js';
import { closeSampling } from './sampling.js';
import { sourcesView } from './sources.js';
import { followArrivals, speedView } from './speed.js';
import { stepperView } from './stepper.js';
import { summaryView } from './summary.js';
import { mountSurface } from './surface.js';
import { followFirstUse, welcomeView } from './welcome.js';

export function mountText() {
  mount('sources', sourcesView);
  mount('legend', legendView);
  mount('interventions', interventionsView);
  byId('welcome').replaceChildren(); // what the first look had put there
  mount('welcome', welcomeView);
  mountSurface();
  mount('actions', actionsView);
  followArrivals();
  mount('stepper', stepperView);
  mount('summary', summaryView);
  mount('speed-line', speedView);
  mount('versions', branchesView);
  acceptFiles();
  closeSampling();
  followFirstUse();
  followTyping();
  void loadExamples();
  void loadLessons();
}
