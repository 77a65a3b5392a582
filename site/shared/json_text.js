// Parses JSON that others wrote, unless it is nested so deeply that Python, or a copy of it, could fail; pure, any thread.

const DEEPEST = 100; // lists and objects within one another, as in pyscripts/json_text.py
const TOO_DEEP = 'is nested too deeply';

/** @param {string} text @returns {any} throws a SyntaxError, whose message goes on after the file's name */
export function parseJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(cause instanceof SyntaxError ? 'is not valid JSON' : TOO_DEEP, { cause });
  }
  let level = [value];
  for (let depth = 0; depth <= DEEPEST && level.length; depth++) {
    level = level.flatMap((each) => (each !== null && typeof each === 'object' ? Object.values(each) : []));
  }
  if (level.length) throw new SyntaxError(TOO_DEEP);
  return value;
}
