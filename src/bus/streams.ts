import { randomUUID } from 'node:crypto'
import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { faults } from './fault.ts'
import { answeredWith, serverCode } from './publish.ts'

const days = (n: number): number => n * 24 * 3600 * 1e9

/** Where the log's identity is kept: in the metadata of EVENTS. */
export const logIdKey = 'millrace-log-id'

/** Every stream there is. Start-up creates what is missing and refuses what differs in a key stated here. */
export const streams = [
  {
    name: 'EVENTS',
    description: 'What happened. Append-only, never expires: all else can be rebuilt from it.',
    subjects: ['events.>'],
    storage: StorageType.File,
    compression: StoreCompression.S2,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    allow_atomic: true,
    allow_direct: true,
    deny_delete: true,
    deny_purge: true,
  },
  {
    name: 'WORK',
    description: 'What is to be done, and by whom. Gone once it is done.',
    subjects: ['work.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
    max_msgs_per_subject: 1,
    allow_atomic: true,
  },
  {
    name: 'TIMERS',
    description: 'Delays that outlive their setter. Gone once they have been handled.',
    subjects: ['timers.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    allow_msg_schedules: true,
  },
  {
    name: 'LOGS',
    description: 'Output of work, for thirty days.',
    subjects: ['logs.>'],
    storage: StorageType.File,
    compression: StoreCompression.S2,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: days(30),
    max_bytes: 512 * 1024 ** 2, // The server reserves them: a small disk must have room.
  },
  {
    name: 'DEAD',
    description: 'What an agent gave up on, with the reason: one letter for each piece of work, the latest.',
    subjects: ['dead.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    allow_direct: true,
  },
] as const satisfies readonly (Partial<StreamConfig> & { readonly name: string; readonly description: string })[]

/** Creates what is missing; refuses what differs in a key that we state. Gives the log's id. */
export const ensureStreams = async (jsm: JetStreamManager): Promise<string> => {
  let logId = ''
  for (const stated of streams) {
    const { config } = await jsm.streams.info(stated.name).catch((cause: unknown) => {
      if (answeredWith(cause, serverCode.streamNotFound)) return create(jsm, stated)
      throw cause
    })
    const differences = driftOf(stated, config)
    if (stated.name === 'EVENTS') {
      logId = config.metadata?.[logIdKey] ?? ''
      if (!logId) differences.push(`metadata.${logIdKey}: expected an id, found none`)
    }
    if (differences.length > 0) throw faults.drift(stated.name, differences)
  }
  return logId
}

/** Of several that create it at once, one does, and the others find what that one made. */
const create = (jsm: JetStreamManager, stated: (typeof streams)[number]): Promise<StreamInfo> =>
  jsm.streams
    .add({ ...stated, ...(stated.name === 'EVENTS' && { metadata: { [logIdKey]: randomUUID() } }) })
    .catch((cause: unknown) =>
      jsm.streams.info(stated.name).catch(() => {
        throw cause
      }),
    )

/** What differs between a stream as it is and as it is stated; one line for each key. Its description is only said. */
const driftOf = (stated: object, found: object): string[] => {
  const as = new Map<string, unknown>(Object.entries(found))
  return Object.entries(stated).flatMap(([key, value]) =>
    key === 'description' || JSON.stringify(as.get(key)) === JSON.stringify(value)
      ? []
      : [`${key}: expected ${JSON.stringify(value)}, found ${JSON.stringify(as.get(key))}`],
  )
}
