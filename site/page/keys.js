// Names under which the page keeps things in the browser's storage; sites of one owner share an origin; main thread.

const { pathname } = new URL('..', import.meta.url);

/** Whether this tab has reloaded itself to be isolated, or tried to. */
export const RELOADED = `tokenlight reloaded ${pathname}`;
export const PREFERENCES = `tokenlight preferences ${pathname}`;
export const DRAFT = `tokenlight draft ${pathname}`;
/** What trials of the graphics card have found. */
export const GRAPHICS = `tokenlight graphics ${pathname}`;
export const CODE = `tokenlight code ${pathname}`;
/** The user's code before a panel's, an example's or a link's was edited. */
export const CODE_BEFORE = `${CODE} before`;
export const VERSIONS = `tokenlight versions ${pathname}`;
export const PINNED = `tokenlight pinned ${pathname}`;
export const LESSON = `tokenlight lesson ${pathname}`;
/** What was chosen before the first lesson was opened. */
export const LESSON_BEFORE = `${LESSON} before`;
