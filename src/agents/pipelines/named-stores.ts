import { nearest } from '#contracts/nearest'

/** That a pipeline has no such store, which was probably meant, and which it has. */
export const noStore = (store: string, known: readonly string[]): TypeError => {
  const hint = known.length > 0 ? nearest(store, known) : ''
  const all = known.join(', ') || 'none'
  return new TypeError(
    `The pipeline has no store '${store}'${hint.startsWith('; did') ? `${hint} It has ${all}` : `; it has ${all}`}`,
  )
}

/** What JavaScript itself and those who print a value ask of anything: whether it is a promise, or shows itself. */
const asked: ReadonlySet<string> = new Set(['then', 'toJSON', 'inspect'])

/** Stores by name. Whoever reads one that there is not is told so there, and not of what he would do with it. */
export const namedStores = <Stores extends object>(stores: Stores): Stores =>
  new Proxy(stores, {
    get: (target, key) => {
      if (typeof key === 'symbol' || key in target || asked.has(key)) return Reflect.get(target, key)
      throw noStore(key, Object.keys(target))
    },
  })
