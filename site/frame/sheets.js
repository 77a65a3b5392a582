// What lies over the lower end of the window: the room it takes, so that the page can be scrolled above it; main thread.

/** On narrow windows the lesson and a pinned token's inspector; what is going on; notices. */
const SHEETS = { '#lesson': '--sheet', '#inspector': '--pinned', '.status': '--status', '#notice': '--notice' };

/** Keeps the heights of those that are fixed as custom properties. */
export function followSheets() {
  for (const [selector, name] of Object.entries(SHEETS)) {
    const sheet = /** @type {HTMLElement} */ (document.querySelector(selector));
    new ResizeObserver(() => {
      const height = getComputedStyle(sheet).position === 'fixed' ? sheet.getBoundingClientRect().height : 0;
      document.documentElement.style.setProperty(name, `${height}px`);
      if (sheet.id === 'notice') uncoverField(sheet);
    }).observe(sheet, { box: 'border-box' });
  }
}

/** Scrolls the field that is typed in above a notice that came over it. @param {HTMLElement} notice */
function uncoverField(notice) {
  const field = document.activeElement?.closest('.surface, input, textarea, [contenteditable]')?.getBoundingClientRect();
  const over = notice.getBoundingClientRect();
  if (!field || !over.height || field.right <= over.left || field.left >= over.right) return;
  if (field.top < over.bottom && field.bottom > over.top) scrollBy(0, field.bottom - over.top);
}
