import { useSyncExternalStore } from 'react'

const subscribe = (listener: () => void): (() => void) => {
  addEventListener('popstate', listener)
  return () => removeEventListener('popstate', listener)
}

/** Where the page is: its path, step by step, and what is said behind it. */
export const useAddress = (): { readonly steps: readonly string[]; readonly said: URLSearchParams } => {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search)
  const { pathname, searchParams } = new URL(address, location.origin)
  return { steps: pathname.split('/').filter(Boolean).map(decoded), said: searchParams }
}

const decoded = (step: string): string => {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

let moved = false

/** Whether somebody has moved within the console, so that a new page is worth announcing. */
export const hasMoved = (): boolean => moved

export const go = (to: string, { replace = false } = {}): void => {
  moved ||= !replace
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  dispatchEvent(new PopStateEvent('popstate'))
}

/** Where an artifact has its page. */
export const artifactAddress = (store: string, path: string): string =>
  `/artifacts/${store}?${new URLSearchParams({ path })}`

export const runAddress = (run: string): string => `/runs/${run}`

/** An address with what is said behind it; what is not said is left out. */
export const addressWith = (path: string, said: Readonly<Record<string, string | number | undefined>>): string => {
  const given = Object.entries(said).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path
}

/** Where the log of a run has its page. */
export const logAddress = (
  run: string,
  said: { readonly node?: string | undefined; readonly attempt?: number | undefined } = {},
): string => addressWith(`/runs/${run}/logs`, said)

/** Where a node is open in the graph. */
export const nodeAddress = (part: string): string => addressWith('/', { node: part })

/** Where an experiment has its page; with a part and a step, the output of these. */
export const experimentAddress = (
  experiment: string,
  said: { readonly part?: string | undefined; readonly step?: string | undefined } = {},
): string => addressWith(`/experiments/${experiment}`, said)
