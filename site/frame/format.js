// Writes numbers for display: true minus sign, thousands separated, no exponents; pure, main thread.

const NONE = '–'; // for a number that does not exist

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map(); // making one is slow

/** @param {number} value @param {Intl.NumberFormatOptions} options */
function format(value, options) {
  const key = JSON.stringify(options);
  let cached = formats.get(key);
  if (!cached) formats.set(key, (cached = new Intl.NumberFormat('en', options)));
  return cached.format(value).replace('-', '−');
}

/** @param {number} digits after the point */
const decimals = (digits) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A probability as a percentage, as pyscripts/wording.py writes it: 12.3%, 1.23%, 0.0123%, < 0.01%. @param {number} p 0 ... 1 */
export function percent(p) {
  if (p > 0 && p < 1e-4) return '<\u00a00.01%'; // does not break
  if (p === 0) return '0%';
  return format(p, { style: 'percent', ...(p >= 0.1 ? decimals(1) : { minimumSignificantDigits: 3, maximumSignificantDigits: 3 }) });
}

/** A count. @param {number} n */
export const count = (n) => format(n, {});

/** @param {number | null | undefined} value @param {number} [digits] after the point */
export const fixed = (value, digits = 2) =>
  value === null || value === undefined || Number.isNaN(value) ? NONE : format(value, { signDisplay: 'negative', ...decimals(digits) });

/** With so many digits; 1.23M for millions. @param {number | null | undefined} value @param {number} [digits] significant ones */
export const significant = (value, digits = 3) =>
  value === null || value === undefined || Number.isNaN(value)
    ? NONE
    : format(value, { minimumSignificantDigits: digits, maximumSignificantDigits: digits, notation: Math.abs(value) >= 1e6 ? 'compact' : 'standard' });

/** A change, with its sign. @param {number} value @param {number} [digits] after the point */
export const signed = (value, digits = 2) => format(value, { signDisplay: 'exceptZero', ...decimals(digits) });

/** Megabytes. @param {number} bytes */
export const megabytes = (bytes) => `${format(bytes / 1e6, decimals(bytes < 1e7 ? 1 : 0))} MB`;
