// Stands in for the analysis worker where a test is about how the page starts: it has Python's menus, but no Python.

import * as Comlink from '../vendor/comlink.min.js';
import { holdLock } from '../shared/lock.js';

Comlink.expose({
  holdLock,
  connect() {},
  subscribe() {},
  boot: () => fetch(new URL('menus.json', import.meta.url)).then((response) => response.json()),
  colour() {},
  views: () => ({}),
});
