// Memory in which a pass's outputs travel to Python and back, so that it need not be allocated anew; inference worker.

/**
 * A buffer that was transferred is held by its message until the receiver collects garbage, also if it is detached
 * there: detaching it (`transfer(0)`) only hides it from the collector, which then comes gigabytes later. The few
 * buffers of this class go back and forth instead.
 */
export class Carriers {
  /** @type {ArrayBuffer[]} */
  #spare = [];

  /** Arrays of so many numbers each, all in one buffer; they hold whatever was there. @param {number[]} lengths */
  take(lengths) {
    const bytes = 4 * lengths.reduce((sum, length) => sum + length, 0);
    const fitting = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
    const [buffer] = fitting < 0 ? [new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes || 1)))] : this.#spare.splice(fitting, 1);
    let at = 0;
    return lengths.map((length) => {
      const array = new Float32Array(buffer, at, length);
      at += array.byteLength;
      return array;
    });
  }

  /** Takes a buffer back. @param {ArrayBuffer} buffer */
  give(buffer) {
    this.#spare.push(buffer);
  }

  /** Lets go of all buffers. */
  clear() {
    this.#spare = [];
  }
}
