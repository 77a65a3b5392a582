// Names under which the page keeps things in the browser's storage; sites of one owner share an origin; main thread.

const { pathname } = new URL('..', import.meta.url);

export const PREFERENCES = `tokenlight preferences ${pathname}`;
export const DRAFT = `tokenlight draft ${pathname}`;
export const CODE = `tokenlight code ${pathname}`;
export const VERSIONS = `tokenlight versions ${pathname}`;
export const PINNED = `tokenlight pinned ${pathname}`;
export const LESSON = `tokenlight lesson ${pathname}`;
