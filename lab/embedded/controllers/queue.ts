/**
 * A work queue: a key that is added several times is processed once, one key after the other, and never within the write that
 * added it.
 */
export function createQueue<Key>(work: (key: Key) => number | undefined) {
  const waiting = new Set<Key>();
  const later = new Map<Key, NodeJS.Timeout>();
  let scheduled: NodeJS.Immediate | undefined;

  function add(key: Key): void {
    clearTimeout(later.get(key));
    later.delete(key);
    waiting.add(key);
    scheduled ??= setImmediate(drain);
  }

  function drain(): void {
    scheduled = undefined;
    const keys = [...waiting];
    waiting.clear();
    for (const key of keys) {
      const again = work(key);
      if (again === undefined) continue;
      clearTimeout(later.get(key));
      later.set(key, setTimeout(add, again, key));
    }
  }

  return {
    add,
    /** Nothing is to be done now; what is to be done later may be. */
    isIdle: (): boolean => scheduled === undefined,
    stop(): void {
      clearImmediate(scheduled);
      for (const timer of later.values()) clearTimeout(timer);
    },
  };
}
