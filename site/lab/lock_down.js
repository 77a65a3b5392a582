// Takes from the lab's worker, before users' code runs, every way to the network, to what this site stores, and to other threads.
//
// Python code reaches JavaScript's globals. Other origins are out of its reach by the page's Content-Security-Policy, which
// this worker inherits; the rest is deleted here, since code may come from a link.

const GLOBALS = [
  'fetch', 'XMLHttpRequest', 'WebSocket', 'WebSocketStream', 'WebTransport', 'EventSource', 'RTCPeerConnection', 'importScripts',
  'caches', 'CacheStorage', 'Cache', 'indexedDB', 'IDBFactory', 'IDBDatabase', 'cookieStore', 'Notification', 'localStorage', 'sessionStorage',
  'Worker', 'SharedWorker', 'BroadcastChannel', 'PushManager', 'FileSystemHandle', 'FileSystemDirectoryHandle', 'FileSystemFileHandle',
  'registration', 'fonts', 'FontFace',
];
const OF_NAVIGATOR = ['locks', 'storage', 'serviceWorker', 'gpu', 'usb', 'serial', 'hid', 'permissions', 'storageBuckets', 'sendBeacon', 'mediaDevices'];

/** Deletes names from an object and all it inherits from. @param {object} object @param {string[]} names */
function strip(object, names) {
  for (let holder = object; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    for (const name of names) delete /** @type {any} */ (holder)[name];
  }
}

export function lockDown() {
  strip(navigator, OF_NAVIGATOR);
  strip(self, GLOBALS);
}
