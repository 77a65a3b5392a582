// How charts write a number of any size; pure, main thread.

/** With about three digits. @param {number | null | undefined} value */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return (size >= 1e6 || (size !== 0 && size < 1e-3) ? value.toExponential(1) : value.toLocaleString('en', digits)).replace('-', '−');
}
