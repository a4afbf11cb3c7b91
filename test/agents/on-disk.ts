import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished, TestRunner } from 'vitest'
import { openLocal } from '#agents/local'
import type { StoreKind } from '#agents/pipelines/definition'
import type { Source } from '#agents/pipelines/source'
import { openStore } from '#agents/pipelines/store'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'

const atTheEnd: (() => unknown)[] = []
afterAll(async () => {
  for (const undo of atTheEnd.splice(0).reverse()) await undo()
})

/** Does this when the test has ended; of tests that run at the same time nobody can say which one it is, so when all have. */
export const afterwards = (undo: () => unknown): void => {
  const test = TestRunner.getCurrentTest()
  if (test && !test.concurrent) onTestFinished(async () => void (await undo()))
  else atTheEnd.push(undo)
}

/** A folder that is there until the test ends. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-agents-'))
  afterwards(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

type Opened = {
  readonly base?: string
  readonly hub?: ReturnType<typeof memoryHub>
  readonly kind?: StoreKind
  readonly source?: Source
  /** The host that keeps it, where several do one after the other. */
  readonly host?: string
}

/** A store in a temporary folder whose facts go to a log in memory. */
export const storeOnDisk = async (
  part = 'root/in',
  {
    base = temporaryFolder(),
    hub = memoryHub({ logId: 'log' }),
    host = `host-of-${part.split('/')[0]}`,
    kind,
    source,
  }: Opened = {},
) => {
  const bus = hub.connect(host)
  const local = openLocal(join(base, 'host.db'))
  const outbox = openOutbox(local, host)
  const stop = new AbortController()
  const sent = outbox.send(bus, stop.signal)
  const options = { ...(kind && { kind }), source }
  const store = await openStore(part, join(base, 'folder'), local, outbox, options)
  const [scope = '', key = ''] = part.split('/')
  /** The same store as it is for a host that is killed before it has recorded what it just did. */
  const dying = () =>
    openStore(
      part,
      join(base, 'folder'),
      local,
      {
        ...outbox,
        post: () => {
          throw new Error('killed')
        },
      },
      options,
    )
  /** The same store as the next process of the host opens it. */
  const reopened = () => openStore(part, join(base, 'folder'), local, outbox, options)
  const facts = async () => {
    await outbox.flushed()
    const { events } = await bus.read({ aggregate: 'artifact', scope, key })
    return events.map(({ type, data }) => ({ type, ...(data as { path: string; digest?: string; size?: number }) }))
  }
  const end = async () => {
    stop.abort()
    await sent
    if (local.open) local.close()
  }
  afterwards(end)
  return {
    base,
    hub,
    bus,
    local,
    outbox,
    store,
    dying,
    reopened,
    facts,
    end,
    stop: () => stop.abort(),
    signal: stop.signal,
    folder: join(base, 'folder'),
  }
}

/** Resolves once `look` gives something; asks again whenever the event loop has turned a few times. */
export const eventually = async <T>(look: () => Promise<T | undefined | false>): Promise<T> => {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
