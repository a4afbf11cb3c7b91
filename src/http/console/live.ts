import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'

/** What somebody who watches learns of an event. */
type LiveEvent = { readonly type: string; readonly aggregate: string; readonly key?: string; readonly run?: string }

export type Live = { readonly state: 'connecting' | 'live' | 'reconnecting'; readonly position: string }

/** Which topics an event of each aggregate touches. */
const touched: Readonly<Record<string, readonly string[]>> = {
  pipeline: ['graph', 'graphs', 'runs', 'requests', 'pauses', 'artifacts', 'history'],
  run: ['graph', 'runs', 'requests', 'attempts', 'why', 'used-by'],
  artifact: ['graph', 'artifacts', 'history', 'artifact-tags', 'why', 'used-by'],
  tracking: ['noted'],
  host: ['graph', 'hosts', 'presence', 'sites'],
  experiment: ['experiments', 'inbox', 'sites'],
  'end-node': ['end-nodes', 'reservations', 'sites', 'inbox', 'experiment'],
  person: ['me'],
  notification: ['notifications'],
}

/** How long news is gathered before it is read again, and how long to wait after an answer that ended the stream. */
const gathering = 100
const patience = 1_000

/** What says who is there: no event touches it. */
const whoIsThere = ['graph', 'presence', 'run', 'sites', 'experiments', 'experiment']

let now: Live = { state: 'connecting', position: '' }
const listeners = new Set<() => void>()

const become = (change: Partial<Live>): void => {
  now = { ...now, ...change }
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** How the connection is, and how far this page has heard. */
export const useLive = (): Live => useSyncExternalStore(subscribe, () => now)

/**
 * Listens to every event and reads again what it touches. The browser reconnects by itself with the last position it heard,
 * and the server sends what came in between; another log begins with a reset, and then everything is read again. It listens
 * until what it gives is called.
 */
export const listen = (client: QueryClient): (() => void) => {
  const touch = gatherer(client)
  let heard = false
  let source: EventSource
  let again: ReturnType<typeof setTimeout> | undefined

  const open = (): void => {
    source = new EventSource(`/api/events${now.position && `?${new URLSearchParams({ from: now.position })}`}`)
    const hear = (message: MessageEvent): void => become({ state: 'live', position: message.lastEventId })

    source.addEventListener('position', (message) => {
      hear(message)
      // What was read before the stream began may be older than its beginning; a host may have come or gone unheard.
      touch(heard ? whoIsThere : ['*'])
      if (heard) void client.refetchQueries({ predicate: ({ state }) => state.status === 'error' })
      heard = true
    })
    source.addEventListener('reset', (message) => {
      hear(message)
      heard = true
      touch(['*'])
    })
    source.addEventListener('presence', () => touch(whoIsThere))
    source.addEventListener('message', (message) => {
      hear(message)
      const { type, aggregate, key, run } = JSON.parse(message.data) as LiveEvent
      // Numbers come often, and are read apart from all else of a run.
      const topic = type === 'tracking.metric-logged' ? 'metrics' : 'run'
      touch([
        ...(touched[aggregate] ?? ['*']),
        ...(run ? [`${topic} ${run}`] : []),
        ...(aggregate === 'experiment' ? [`experiment ${key}`] : []),
      ])
    })
    source.addEventListener('error', () => {
      become({ state: 'reconnecting' })
      if (source.readyState !== EventSource.CLOSED) return
      // Perhaps whoever listened is signed in no longer.
      touch(['session'])
      again = setTimeout(open, patience)
    })
  }
  open()
  return () => {
    clearTimeout(again)
    source.close()
    now = { state: 'connecting', position: '' }
  }
}

/** Gathers topics and has them read again, one round after the other. */
const gatherer = (client: QueryClient) => {
  const waiting = new Set<string>()
  let busy = false

  const round = async (): Promise<void> => {
    busy = true
    while (waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, gathering))
      const topics = new Set(waiting)
      waiting.clear()
      const isTouched = ([topic, of]: readonly unknown[]): boolean =>
        topic !== 'layout' &&
        topic !== 'content' &&
        (topic !== 'session' || topics.has('session')) &&
        (topics.has('*') || topics.has(String(topic)) || topics.has(`${topic} ${of}`))
      await client.invalidateQueries({ predicate: ({ queryKey }) => isTouched(queryKey) })
    }
    busy = false
  }
  return (topics: readonly string[]): void => {
    for (const topic of topics) waiting.add(topic)
    if (!busy) void round()
  }
}
