// A lock that a worker holds for as long as it lives, so that the page notices when it dies; both workers.

/** Takes the lock named after this worker. @returns {Promise<void>} resolves when it is held, rejects if locks are not allowed */
export function holdLock() {
  return new Promise((held, refused) => {
    const holding = navigator.locks.request(self.name, () => {
      held();
      return new Promise(() => {});
    });
    holding.catch(refused);
  });
}
