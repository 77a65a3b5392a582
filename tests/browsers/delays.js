// Delays messages, and a service worker's steps, at random without changing their order; first script of page and workers in tests/browsers/starts.py.

{
  const LONGEST = 1000; // ms
  const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() < 0.7 ? 0 : LONGEST * Math.random() ** 3));

  /** Each call of an object waits for that object's earlier ones. */
  const delayed = (prototype, name) => {
    const original = prototype?.[name];
    if (!original) return;
    const last = new WeakMap();
    prototype[name] = function (...args) {
      const turn = (last.get(this) ?? Promise.resolve()).then(pause).then(() => original.apply(this, args));
      last.set(this, turn.catch(() => {}));
      return turn; // postMessage returns nothing and nobody looks; the others return promises
    };
  };

  if (globalThis.document) delayed(Worker.prototype, 'postMessage'); // not of onnxruntime's threads: it waits for them without returning
  for (const kind of ['MessagePort', 'ServiceWorker', 'Client']) delayed(globalThis[kind]?.prototype, 'postMessage');
  delayed(Object.getPrototypeOf(globalThis), 'postMessage');
  if (globalThis.registration) {
    for (const name of ['open', 'match', 'has', 'keys', 'delete']) delayed(CacheStorage.prototype, name);
    for (const name of ['match', 'put', 'keys']) delayed(Cache.prototype, name);
    delayed(Clients.prototype, 'matchAll');
    delayed(globalThis, 'skipWaiting');
  }
  if (globalThis.ServiceWorkerContainer) delayed(ServiceWorkerContainer.prototype, 'register');
}
