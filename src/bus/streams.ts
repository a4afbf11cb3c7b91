import { DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, type StreamConfig } from '@nats-io/jetstream'

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
    max_bytes: 4 * 1024 ** 3,
  },
  {
    name: 'DEAD',
    description: 'What an agent gave up on, with the reason.',
    subjects: ['dead.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    allow_direct: true,
  },
] as const satisfies readonly (Partial<StreamConfig> & { readonly name: string; readonly description: string })[]

/** What differs between a stream as it is and as it is stated; one line for each key. */
export const driftOf = (
  stated: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
): string[] =>
  Object.entries(stated).flatMap(([key, value]) =>
    JSON.stringify(found[key]) === JSON.stringify(value)
      ? []
      : [`${key}: expected ${JSON.stringify(value)}, found ${JSON.stringify(found[key])}`],
  )
