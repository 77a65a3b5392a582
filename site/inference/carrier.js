// Memory in which a pass's outputs travel to Python and back, so that it need not be allocated anew; inference worker.

/**
 * A buffer that was transferred is held by its message until the receiver collects garbage, also if it is detached
 * there: detaching it (`transfer(0)`) only hides it from the collector, which then comes gigabytes later. This one goes
 * back and forth instead.
 */
export class Carrier {
  #spare = new ArrayBuffer(0);

  /** Arrays of so many numbers each, all in one buffer, which holds whatever was there. @param {number[]} lengths */
  load(lengths) {
    const bytes = 4 * lengths.reduce((sum, length) => sum + length, 0);
    const buffer = this.#spare.byteLength >= bytes ? this.#spare : new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes || 1)));
    this.clear();
    let at = 0;
    return lengths.map((length) => {
      const array = new Float32Array(buffer, at, length);
      at += array.byteLength;
      return array;
    });
  }

  /** Takes the buffer back. @param {ArrayBuffer} buffer */
  back(buffer) {
    this.#spare = buffer;
  }

  /** Lets go of the buffer. */
  clear() {
    this.#spare = new ArrayBuffer(0);
  }
}
