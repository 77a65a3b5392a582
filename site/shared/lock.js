// A lock that a worker holds for as long as it lives, so that the page can tell when it has died; both workers.

/** Takes the lock named like this worker. @returns {Promise<void>} resolves when it is held, rejects where locks are not allowed */
export function holdLock() {
  return new Promise((held, refused) => {
    const holding = navigator.locks.request(self.name, () => {
      held();
      return new Promise(() => {});
    });
    holding.catch(refused);
  });
}
