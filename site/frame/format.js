// Writes numbers for display: true minus sign, thousands separated, no exponents; pure, main thread.

const NONE = '–'; // for a number that does not exist

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map(); // making one is slow

/** @typedef {number | null | undefined} Maybe NaN, too, is a number that does not exist */

/** @param {Maybe} value @param {Intl.NumberFormatOptions} options */
function format(value, options) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const key = JSON.stringify(options);
  let cached = formats.get(key);
  if (!cached) formats.set(key, (cached = new Intl.NumberFormat('en', options)));
  return cached.format(value).replace('-', '−');
}

/** @param {number} digits after the point */
const decimals = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A probability as a percentage, as pyscripts/wording.py writes it: 12.3%, 1.23%, 0.0123%, < 0.01%. @param {Maybe} p 0 ... 1 */
export function percent(p) {
  if (p === 0) return '0%';
  if (p && p > 0 && p < 1e-4) return '<\u00a00.01%'; // does not break
  return format(p, { style: 'percent', ...(p && p >= 0.1 ? decimals(1) : { minimumSignificantDigits: 3, maximumSignificantDigits: 3 }) });
}

/** A count. @param {Maybe} n */
export const count = (n) => format(n, {});

/** For example "1 token" or "1,650 tokens". @param {number} n @param {string} noun */
export const countOf = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/** @param {Maybe} value @param {number} [digits] after the point */
export const fixed = (value, digits = 2) => format(value, { signDisplay: 'negative', ...decimals(digits) });

/** With so many digits; 1.23M for millions. @param {Maybe} value @param {number} [digits] significant ones */
export const significant = (value, digits = 3) =>
  format(value, { minimumSignificantDigits: digits, maximumSignificantDigits: digits, notation: Math.abs(value ?? 0) >= 1e6 ? 'compact' : 'standard' });

/** A change, with its sign. @param {Maybe} value @param {number} [digits] after the point */
export const signed = (value, digits = 2) => format(value, { signDisplay: 'exceptZero', ...decimals(digits) });

/** Of any size, with about three digits, as charts write it; 25M for millions. @param {Maybe} value */
export function short(value) {
  const size = Math.abs(value ?? 0);
  if (size >= 1e6) return format(value, { maximumSignificantDigits: 3, notation: 'compact' });
  if (size < 1e-3) return format(value, { signDisplay: 'negative', maximumFractionDigits: 6 });
  return format(value, size >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
}

/** An end of an axis that shows shares: 0%, 12.3%, 100%. @param {number} share */
export const shareEnd = (share) => `${short(100 * share)}%`;

/** Megabytes. @param {number} bytes */
export const megabytes = (bytes) => `${format(bytes / 1e6, decimals(bytes < 1e7 ? 1 : 0))} MB`;
