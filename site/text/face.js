// Whether a text is set in a proportional or a monospaced face; pure, main thread.

// What tells a line of code, the characters looked at, and the share of their lines: as in pyscripts/metrics/words.py, which
// decides by them whether words are classed as code.
export const CODE_SIGNS = /^[ \t]*(?:def|class|import|from|return|function|const|let|var|if|for|while|#include|public|fn|func)\b.*[:;({]?$|[;{}][ \t]*$|\w\(.*\)|^[ \t]*(?:#|\/\/)|\w[ \t]*(?:[-+*/]?=|[=!]=)[ \t]*[^ \t]/s;
const LOOKED_AT = 4000;
const SHARE = 0.4;

/** Whether a text looks like program code, by its lines. @param {string} text */
export function looksLikeCode(text) {
  const beginning = [...text.slice(0, 2 * LOOKED_AT)].slice(0, LOOKED_AT).join('');
  const lines = beginning.split(/[\r\n]+/).filter((line) => /[^ \t]/.test(line));
  return lines.length > 0 && lines.filter((line) => CODE_SIGNS.test(line)).length >= SHARE * lines.length;
}
