// Fills what was chosen in a panel into its Python code; pure, any thread.

/** A value as Python writes it; names of options as Python has them. @param {unknown} value @returns {string} */
export function literal(value) {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return JSON.stringify(value); // a Python string, too
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  const pairs = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${pairs.map(([name, each]) => `"${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}": ${literal(each)}`).join(', ')}}`;
}

/**
 * The code with its settings, lines such as “token = 0  # its index”, set to what was chosen.
 * @param {string} code @param {object} values by the name of the setting; others are left out
 */
export const filled = (code, values) =>
  Object.entries(values).reduce((lines, [name, value]) => lines.replace(new RegExp(`^${name} = (.*?)(  #.*)?$`, 'm'), (_, before, words = '') => `${name} = ${literal(value)}${words}`), code);
