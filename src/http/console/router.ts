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
