// Numbers as a person reads them; only their writing is decided here, never their value; pure, main thread.

/** A probability as a percentage with three significant digits. @param {number} p 0 ... 1 */
export function percent(p) {
  if (p >= 0.1) return `${(100 * p).toFixed(1)} %`;
  return p >= 1e-4 || p === 0 ? `${(100 * p).toPrecision(3)} %` : `${(100 * p).toExponential(2)} %`;
}

/** A count with thousands set apart. @param {number} n */
export const count = (n) => n.toLocaleString('en');

/** @param {number | null | undefined} value @param {number} [digits] after the point; “–” where there is no number */
export const fixed = (value, digits = 2) => (value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits));

/** @param {number | null | undefined} value @param {number} [digits] significant ones */
export const significant = (value, digits = 3) => (value === null || value === undefined || Number.isNaN(value) ? '–' : value >= 1e6 ? value.toExponential(1) : value.toLocaleString('en', { minimumSignificantDigits: digits, maximumSignificantDigits: digits }));

/** With a sign, so that a change is seen as one. @param {number} value @param {number} [digits] */
export const signed = (value, digits = 2) => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(digits)}`;

/** Megabytes. @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
