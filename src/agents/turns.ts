/** Hands on what is added, `limit` at once and in order, however much waits. `handle` must not reject. */
export const queueFor = <Item>(limit: number, handle: (item: Item) => Promise<void>): ((item: Item) => void) => {
  // Shifting would move all that wait each time: what has been handed on is let go once it is half of all.
  const waiting: Item[] = []
  let first = 0
  let busy = 0
  const work = async (): Promise<void> => {
    busy++
    while (first < waiting.length) {
      const item = waiting[first++] as Item
      if (first === waiting.length || (first >= 1024 && 2 * first >= waiting.length)) {
        waiting.splice(0, first)
        first = 0
      }
      await handle(item)
    }
    busy--
  }
  return (item) => {
    waiting.push(item)
    if (busy < limit) void work()
  }
}

/** Runs tasks, at most `limit` at once; the others wait in the order in which they came. */
export const atMost = (limit: number): (<T>(task: () => Promise<T>) => Promise<T>) => {
  const add = queueFor(limit, (run: () => Promise<void>) => run())
  return (task) => new Promise((resolve, reject) => add(() => task().then(resolve, reject)))
}

/** Runs the tasks of one key one after the other; those of different keys do not wait for each other. */
export const inTurn = (): (<T>(key: string, task: () => Promise<T>) => Promise<T>) => {
  const last = new Map<string, Promise<void>>()
  return (key, task) => {
    const running = (last.get(key) ?? Promise.resolve()).then(task)
    const over: Promise<void> = running.then(
      () => undefined,
      () => undefined,
    )
    last.set(key, over)
    void over.then(() => last.get(key) === over && last.delete(key))
    return running
  }
}
