/**
 * What somebody hands on, as something to loop over. Whoever hands on waits until the last one was taken; a loop that ends
 * early aborts the signal it was given.
 */
export async function* streamed<T>(
  handOn: (take: (one: T) => Promise<void>, gone: AbortSignal) => Promise<void>,
): AsyncGenerator<T> {
  const gone = new AbortController()
  const { readable, writable } = new TransformStream<T, T>()
  const writer = writable.getWriter()
  const handing = handOn((one) => writer.write(one), gone.signal).then(
    () => writer.close(),
    (cause: unknown) => writer.abort(cause),
  )
  try {
    for await (const one of readable) yield one
  } finally {
    gone.abort()
    await handing.catch(() => undefined)
  }
}
