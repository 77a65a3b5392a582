// Memory that ran out, said in sentences instead of in the words of what it was refused to; all threads.

const REFUSED = /out of memory|allocat|bad_alloc|MemoryError|maximum memory size/i; // browsers, Emscripten, onnxruntime, Python

export const NOT_FOR_TEXT = 'There is not enough memory to read the rest of this text. The part already read is kept. Shorten it, or close other tabs.';
export const notForModel = (/** @type {string} */ name) => `There is not enough memory for ${name}. Close other tabs or choose a smaller model.`;
export const NOT_FOR_PYTHON = 'There is not enough memory to start Python. Close other tabs, then try again.';

/** @param {unknown} error */
export const isOutOfMemory = (error) => REFUSED.test(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
