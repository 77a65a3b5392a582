// Keeps the keyboard's place: if the focused control is removed, hidden or disabled, its panel's heading or a control beside it gets the focus; main thread.

// No text fields: on phones, focusing one opens the keyboard.
const CONTROLS = 'a[href], button:not([tabindex="-1"]), select, summary, input:is([type="checkbox"], [type="range"]), [tabindex="0"]';
const WATCHED = { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled', 'hidden', 'open'] };

/** @param {Element} element */
const isUsable = (element) => element.isConnected && !element.matches(':disabled') && element.checkVisibility();

/** @param {ParentNode} place @returns {HTMLElement[]} what in it can be focused, in the document's order */
const controlsIn = (place) => /** @type {HTMLElement[]} */ ([...place.querySelectorAll(CONTROLS)].filter(isUsable));

/** Passes the focus on whenever a control is lost. */
export function keepFocus() {
  let focused = /** @type {HTMLElement | null} */ (null);
  let around = /** @type {HTMLElement[]} */ ([]); // its ancestors, the nearest first: once it is removed, it has none
  const observer = new MutationObserver((changes) => {
    const lost = focused;
    // Visibility is checked only when it may have changed, since the check forces a layout.
    if (!lost || !changes.some(({ type, target }) => (type === 'attributes' ? target.contains(lost) : !lost.isConnected))) return;
    const active = document.activeElement;
    if (isUsable(lost) || (active !== document.body && active !== lost)) return;
    const next = successor(lost, around);
    next?.focus({ preventScroll: true });
    if (next?.matches(':focus-visible')) next.scrollIntoView({ block: 'nearest' }); // under a finger or mouse, nothing moves
  });
  const forget = () => {
    focused = null;
    observer.disconnect();
  };
  document.addEventListener('focusin', ({ target }) => {
    focused = /** @type {HTMLElement} */ (target);
    if (focused.matches('#text, #tokens')) return forget(); // they stay, and change often
    around = [];
    for (let each = focused.parentElement; each; each = each.parentElement) around.push(each);
    observer.observe(document.body, WATCHED);
  });
  document.addEventListener('focusout', () => {
    const left = focused;
    queueMicrotask(() => {
      if (left && left === focused && isUsable(left) && document.activeElement !== left) forget(); // the user left it without going elsewhere
    });
  });
}

/**
 * Where the focus of a lost control goes: to the control named in its data-next; if it was only disabled, to the next or previous one
 * in its group; to the heading of its panel; to the next control on the page.
 * @param {HTMLElement} lost @param {HTMLElement[]} around its ancestors @returns {HTMLElement | undefined}
 */
function successor(lost, around) {
  const named = document.getElementById(lost.dataset.next ?? '');
  if (named && isUsable(named)) return named;
  const place = around.find(({ isConnected }) => isConnected) ?? document.body;
  const follows = (/** @type {Node} */ anchor) => (/** @type {Node} */ each) => anchor.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING;
  const group = place === lost.parentElement ? controlsIn(place) : [];
  return group.find(follows(lost)) ?? group.at(-1) ?? headingOf(place) ?? controlsIn(document).find(follows(lost.isConnected ? lost : place));
}

/** The heading of the panel around a place, made focusable. @param {HTMLElement} place @returns {HTMLElement | undefined} */
function headingOf(place) {
  const section = place.closest('section');
  const heading = [...(section?.querySelectorAll('h2') ?? [])].find((each) => each.closest('section') === section && isUsable(each));
  if (heading) heading.tabIndex = -1;
  return heading;
}
