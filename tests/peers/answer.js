// Answers the calls of tests/bench_peers.py in a worker: [name, ...arguments] in, { value } or { error } out.

/** @param {Record<string, (...args: any[]) => any>} calls */
export function answer(calls) {
  self.onmessage = async ({ data: [name, ...args] }) => {
    try {
      self.postMessage({ value: await calls[name](...args) });
    } catch (error) {
      self.postMessage({ error: String(error?.stack ?? error) });
    }
  };
}
