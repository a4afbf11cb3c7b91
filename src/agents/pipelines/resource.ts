/** One thing that a resource holds. */
export type Item = {
  /** What it is called: names joined by `/`. One that would leave the mirror folder is refused. */
  readonly path: string
  /** Changes whenever the content does: an ETag, a time, a row's number. Content of a known version is not read again. */
  readonly version: string
  /** How many bytes it has, where that is known; a read that gives more or fewer of them is thrown away. */
  readonly size?: number
}

/** Bytes as they lie on this machine. */
export type Written = { readonly file: string; readonly size: number; readonly digest: string }

/**
 * A kind of node of one's own: a bucket, an endpoint, a table; with `resourceStore` it is a node like any store. It runs in a
 * process of its own, which it may block or break: that harms nobody else. What it gives nothing for 60 seconds for is given up
 * (`signal` aborts) and tried again later.
 */
export type Resource = {
  /** All that there is at this moment. What was listed before and is not any more is recorded as gone: rather throw than list a part. */
  readonly list: (given: { readonly signal: AbortSignal }) => AsyncIterable<Item>
  /** The bytes of one version; where that is no longer there, throw. */
  readonly read: (
    path: string,
    given: { readonly version: string; readonly signal: AbortSignal },
  ) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array> | Uint8Array | string>
  /**
   * Puts a file there, whole or not at all; resolves once it is kept. Without `overwrite` it must throw where something is there
   * already. It may take 60 seconds, and another for each MiB.
   */
  readonly write?: (
    path: string,
    file: Written,
    given: { readonly overwrite: boolean; readonly signal: AbortSignal },
  ) => Promise<void>
}
