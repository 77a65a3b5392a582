// Memory in which passes' outputs travel to Python and back, so that it need not be allocated anew; inference worker.

/**
 * A buffer that was transferred is held by its message until the receiver collects garbage, also if it is detached
 * there: detaching it (`transfer(0)`) only hides it from the collector, which then comes gigabytes later. These go back
 * and forth instead.
 */
export class Carrier {
  /** @type {ArrayBuffer[]} */
  #spare = [];

  /** Arrays of so many numbers each, one after the other in one buffer, which holds whatever was there. @param {number[]} lengths */
  load(lengths) {
    const buffer = this.#take(4 * lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    return lengths.map((length) => {
      const array = new Float32Array(buffer, at, length);
      at += array.byteLength;
      return array;
    });
  }

  /** @param {number} bytes at least */
  #take(bytes) {
    const found = this.#spare.findIndex((buffer) => buffer.byteLength >= bytes);
    if (found >= 0) return this.#spare.splice(found, 1)[0];
    this.#spare = []; // too small for what follows, too
    return new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes || 1)));
  }

  /** Takes buffers back. @param {ArrayBuffer[]} buffers */
  back(buffers) {
    this.#spare.push(...buffers);
  }

  /** Releases all buffers. */
  clear() {
    this.#spare = [];
  }
}
