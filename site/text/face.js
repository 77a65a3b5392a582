// Whether a text is set in a proportional or a monospaced face; pure, main thread.

const CODE = /^(\t| {2,})\S|[{};]\s*$|^\s*(#include|import |from \w|def |class |function |const |let |var |return\b|if \(|for \(|<\/?\w+|\/\/|\/\*)|\w\([^)]*\)\s*[:;{]?\s*$|^\s*[\w.[\]'"]+ [-+*/]?= \S/;
const ENOUGH = 0.3; // of the lines

/** Whether a text looks like program code, by its lines. @param {string} text */
export function looksLikeCode(text) {
  const lines = text.slice(0, 4000).split('\n').filter((line) => line.trim());
  return lines.length > 1 && lines.filter((line) => CODE.test(line)).length >= ENOUGH * lines.length;
}
