import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { faults } from '#bus/fault'
import type { Folder, Mirrored, StoreKind } from './definition.ts'
import { digestOfFile, draft } from './folder.ts'
import type { Content, InputFile, Metric } from './handles.ts'
import type { Described } from './messages.ts'
import { metadataReadNames } from './metadata-reads.ts'
import { metricsOf } from './metric-batches.ts'
import { checkCard, writeCard } from './registry-card.ts'
import type { Definition } from './shape.ts'

/** Asks the host to do something that only it can: its store, its bus, its outbox. */
export type Call = <T>(node: string, verb: string, args: unknown) => Promise<T>

/** An artifact as an action is given it. */
export const inputFile = (call: Call, node: string, described: Described): InputFile => {
  /** Whoever wants all bytes has them in memory anyway: those are hashed, so that nothing can come between. */
  const use = async (): Promise<Buffer> => {
    const bytes = await readFile(described.file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause
      throw faults.changed(`${described.path} in ${node}`, described.digest, undefined)
    })
    const digest = hash('sha256', bytes)
    if (digest !== described.digest) throw faults.changed(`${described.path} in ${node}`, described.digest, digest)
    await call(node, 'used', { path: described.path, digest })
    return bytes
  }
  return {
    ...described,
    bytes: use,
    text: async () => (await use()).toString('utf8'),
    json: async () => JSON.parse((await use()).toString('utf8')),
  }
}

type Saving = { readonly card?: unknown }

const storeHandle = (call: Call, node: string, { kind, path: folder }: Folder | Mirrored) => ({
  save: async (path: string, content: Content, { card, ...options }: Saving = {}) => {
    if (card !== undefined) checkCard(kind, node, path, card) // Nothing is written with a wrong one.
    const drafted = await draft(folder, content)
    const { text } = card === undefined ? {} : writeCard(kind, node, path, card, await digestOfFile(drafted))
    return call(node, 'save', { path, draft: drafted, ...options, ...(text !== undefined && { card: text }) })
  },
  open: async (path: string) => inputFile(call, node, await call<Described>(node, 'open', { path })),
  list: () => call(node, 'list', {}),
  tag: (path: string, tags: unknown) => call(node, 'tag', { path, tags }),
})

const cardVerb =
  (call: Call, node: string, kind: StoreKind) =>
  async (path: string, card: unknown, options = {}) => {
    checkCard(kind, node, path, card)
    const { digest, size } = await call<Described>(node, 'open', { path })
    return call(node, 'card', {
      path,
      digest,
      text: writeCard(kind, node, path, card, { digest, size }).text,
      ...options,
    })
  }

/** Reads each list of metadata, narrowed as it is said. */
const lists = (call: Call, node: string) =>
  Object.fromEntries(metadataReadNames.map((name) => [name, (filter: object = {}) => call(node, name, filter)]))

/** What an action does with each node, by asking its host. */
export const handlesFor = (call: Call, track: (doing: Promise<unknown>) => void) => {
  const measured = metricsOf(call, track)

  return (node: string, definition: Definition): object => {
    switch (definition.kind) {
      case 'filesystem-store':
      case 'resource':
        return storeHandle(call, node, definition)
      case 'model-registry':
      case 'dataset-registry':
        return { ...storeHandle(call, node, definition), card: cardVerb(call, node, definition.kind) }
      case 'store-client': {
        const download = async (path: string) =>
          inputFile(call, node, await call<Described>(node, 'download', { path }))
        return {
          download,
          open: download,
          upload: async (path: string, content: Content, options = {}) =>
            call(node, 'upload', { path, draft: await draft(definition.path, content), ...options }),
          list: () => call(node, 'list', {}),
          tag: (path: string, tags: unknown) => call(node, 'tag', { path, tags }),
        }
      }
      case 'metadata-store':
      case 'metadata-client':
        return {
          logMetric: measured.logTo(node),
          logParam: (key: string, value: unknown) => call(node, 'param', { key, value }),
          tag: (key: string, value: string) => call(node, 'runTag', { key, value }),
          run: () => call(node, 'run', {}),
          ...lists(call, node),
          metrics: async (filter = {}) => {
            await measured.arrived()
            return (await call<Metric[]>(node, 'metrics', filter)).map((one) => ({ ...one, value: Number(one.value) }))
          },
        }
    }
  }
}
