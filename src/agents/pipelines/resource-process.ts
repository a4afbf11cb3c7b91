/**
 * The process in which a user's resource runs: it imports the config, opens the resource when it is first asked, and does
 * what its host asks. Started with the config's path, where its paths begin, the pipeline, the node and the host's process id.
 */
import { open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { reasonOf } from '#bus/fault'
import { signalGroup } from '../group.ts'
import { loadPipelines } from './config.ts'
import type { Resource } from './resource.ts'
import type { FromResource, Ready, ToResource } from './resource-messages.ts'

const [, , configPath = '', base = '', pipelineName = '', node = '', host = ''] = process.argv

/** How many items go into one message, and how often a sign of life is given, in milliseconds. */
const pageSize = 500
const aliveEvery = 1_000

const watchdog = import.meta.url.endsWith('.ts') ? './watchdog.ts' : './watchdog.js'
new Worker(new URL(watchdog, import.meta.url), { workerData: Number(host) }).unref()

const send = (message: FromResource | Ready): void => {
  process.send?.(message)
}

const [pipeline] = (await loadPipelines(configPath, base)).filter(({ name }) => name === pipelineName)
const definition = pipeline?.stores[node]
if (definition?.kind !== 'resource') throw new Error(`${configPath} has no resource ${pipelineName}/${node}`)

let opened: Promise<Resource> | undefined

/** The resource, opened anew as long as that fails. */
const resource = (): Promise<Resource> => {
  const opening = opened ?? Promise.resolve().then(definition.resource)
  opened = opening
  opening.catch(() => {
    opened = undefined
  })
  return opening
}

type Call = { readonly stopping: AbortController; more: () => void }
const calls = new Map<number, Call>()

/** Says, now and then, that a call goes on. */
const aliveness = (call: number) => {
  let saidAt = performance.now()
  return (): void => {
    if (performance.now() - saidAt < aliveEvery) return
    saidAt = performance.now()
    send({ kind: 'alive', call })
  }
}

const listAll = async (call: number, about: Call): Promise<void> => {
  const alive = aliveness(call)
  let items: unknown[] = []
  for await (const item of await (await resource()).list({ signal: about.stopping.signal })) {
    about.stopping.signal.throwIfAborted()
    const { path, version, size } = Object(item) as Record<string, unknown>
    items.push({ path, version, size })
    alive()
    if (items.length < pageSize) continue
    const { promise, resolve } = Promise.withResolvers<void>()
    about.more = resolve
    send({ kind: 'items', call, items })
    items = []
    await promise
  }
  send({ kind: 'items', call, items })
}

const readOne = async ({ call, item, to }: ToResource & { kind: 'read' }, { stopping }: Call): Promise<void> => {
  const { signal } = stopping
  const { path, version, size = Number.POSITIVE_INFINITY } = item
  const alive = aliveness(call)
  const content = await (await resource()).read(path, { version, signal })
  const chunks = typeof content === 'string' || content instanceof Uint8Array ? [content] : content
  const handle = await open(to, 'wx')
  try {
    let bytes = 0
    for await (const chunk of chunks) {
      signal.throwIfAborted()
      const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      bytes += data.length
      if (bytes > size) throw new Error(`it gives more than the ${size} bytes that it was listed with`)
      await handle.writeFile(data)
      alive()
    }
  } finally {
    await handle.close()
  }
}

const writeOne = async ({ call, path, file, overwrite }: ToResource & { kind: 'write' }, { stopping }: Call) => {
  const one = await resource()
  if (!one.write) return void send({ kind: 'failed', call, reason: 'it has no function write', readOnly: true })
  await one.write(path, file, { overwrite, signal: stopping.signal })
}

/** A reason with what is behind it: "fetch failed" alone says nothing. */
const whyOf = (cause: unknown): string => {
  const { cause: behind, code } = Object(cause) as { cause?: unknown; code?: unknown }
  const reason = reasonOf(cause) || String(code ?? 'it said nothing')
  return behind === undefined ? reason : `${reason}: ${whyOf(behind)}`
}

process.on('message', (message: ToResource) => {
  const { kind, call } = message
  if (kind === 'abort') calls.get(call)?.stopping.abort(new Error('The call was given up'))
  if (kind === 'abort' || kind === 'more') return calls.get(call)?.more()
  const about: Call = { stopping: new AbortController(), more: () => undefined }
  calls.set(call, about)
  const doing = { list: () => listAll(call, about), read: readOne, write: writeOne }[kind] as (
    asked: ToResource,
    about: Call,
  ) => Promise<void>
  doing(message, about)
    .then(
      () => send({ kind: 'done', call }),
      (cause: unknown) => send({ kind: 'failed', call, reason: whyOf(cause).slice(0, 2_000) }),
    )
    .finally(() => calls.delete(call))
})
process.on('disconnect', () => signalGroup(process.pid, 'SIGKILL')) // The host is gone.
send({ kind: 'ready' })
