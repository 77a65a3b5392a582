// Where each token of a text stands when its lines are wrapped at words, as on the page; pure, any thread.

/**
 * A token, or the part of it in one line: the index of the token, its text, the left side, the line and the width.
 * A line end is a part of its own (end), seen after its line.
 * @typedef {{ index: number, text: string, x: number, row: number, width: number, end: boolean }} Part
 */

const STARTS_WORD = /^\s/;

/**
 * @param {string[]} texts of the tokens @param {number} width of a line, in px @param {(text: string) => number} wide the width of a text
 * @param {boolean} rtl whether lines begin at the right @returns {{ parts: Part[], rows: number }}
 */
export function flow(texts, width, wide, rtl) {
  /** @type {Part[]} */
  const parts = [];
  let x = 0;
  let row = 0;
  const next = () => ([x, row] = [0, row + 1]);
  const put = (/** @type {number} */ index, /** @type {string} */ text, /** @type {number} */ room, end = false) => {
    parts.push({ index, text, x: rtl ? width - x - room : x, row, width: room, end });
    x += room;
  };
  texts.forEach((whole, i) => {
    if (i && STARTS_WORD.test(whole) && x) {
      let word = whole.split('\n')[0];
      for (let k = i + 1; k < texts.length && !STARTS_WORD.test(texts[k]); k++) word += texts[k];
      const room = wide(word);
      if (x + room > width && room <= width) next();
    }
    whole.split('\n').forEach((line, k) => {
      if (k) {
        put(i, '', wide('n'), true);
        next();
      }
      let rest = Array.from(line.replaceAll('\t', '    '));
      while (rest.length) {
        let fits = rest.length;
        while (fits > 1 && x + wide(rest.slice(0, fits).join('')) > width) fits--;
        if (fits < rest.length && x) {
          next();
          continue;
        }
        const part = rest.slice(0, fits).join('');
        put(i, part, wide(part));
        rest = rest.slice(fits);
        if (rest.length) next();
      }
    });
  });
  return { parts, rows: row + 1 };
}
