/** What stands at the ends of an edge: bytes at a place, or a node in a run. */
export type Thing =
  | { readonly kind: 'artifact'; readonly store: string; readonly path: string; readonly digest: string }
  | { readonly kind: 'execution'; readonly run: string; readonly part: string }

/** A thing as one text, for an edge. The path comes last: it may hold anything. */
export const keyOf = (thing: Thing): string =>
  thing.kind === 'artifact'
    ? `artifact:${thing.digest}:${thing.store}:${thing.path}`
    : `execution:${thing.run}:${thing.part}`

/** The thing that such a text names. */
export const thingOf = (key: string): Thing => {
  const [kind, first = '', second = '', ...rest] = key.split(':')
  return kind === 'artifact'
    ? { kind, digest: first, store: second, path: rest.join(':') }
    : { kind: 'execution', run: first, part: second }
}
