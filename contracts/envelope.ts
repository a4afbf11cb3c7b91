import type { Address } from './subjects.ts'

/** The headers of CloudEvents 1.0 in NATS binary mode, with the extensions that every event here carries. */
export const header = {
  id: 'ce-id',
  type: 'ce-type',
  source: 'ce-source',
  time: 'ce-time',
  subject: 'ce-subject',
  specversion: 'ce-specversion',
  dataschema: 'ce-dataschema',
  correlation: 'ce-correlationid',
  causation: 'ce-causationid',
  principal: 'ce-principal',
  trace: 'traceparent',
} as const

/** What a writer says about an event; where and when it is stored, the log adds. */
export type Numbered<Type extends string = string, Data = unknown> = {
  /** Derived, never drawn: `<command id>-<index>` or `<producer>-<number>`. */
  readonly id: string
  readonly type: Type
  readonly version: number
  /** Who recorded it: a host or an owner. */
  readonly source: string
  /** When the writer says it happened, ISO 8601. Never used for order. */
  readonly time: string
  /** The first event or command of the whole story. */
  readonly correlationId: string
  /** The event or command that led to this one; its own id where nothing did. */
  readonly causationId: string
  /** Who asked: a host, a person, a script. */
  readonly principal: string
  /** W3C trace context, where the first asker sent one: it goes through the whole story. */
  readonly traceparent?: string
  readonly data: Data
}

/** An event as the log keeps it. */
export type Recorded<Type extends string = string, Data = unknown> = Numbered<Type, Data> & {
  readonly address: Address
  /** Place in the whole log. Grows by at least one with every event; gaps are normal. */
  readonly sequence: number
  /** The same place as an opaque string: `<log id>.<sequence>`. */
  readonly position: string
  /** When the server stored it, milliseconds since 1970. */
  readonly storedAt: number
}

/** What an event or a command passes on to what it leads to. */
export type Cause = Pick<Recorded, 'id' | 'correlationId' | 'traceparent'>

/** Whether a text is a trace context as the W3C has it (https://www.w3.org/TR/trace-context/), version 00. */
export const isTraceparent = (text: string | undefined): text is string =>
  text !== undefined && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(text)

/** Names the schema of an event's data. */
export const dataschemaOf = (type: string, version: number): string => `urn:millrace:event:${type}:${version}`

/** The version that a dataschema names; undefined where it names none of ours. */
export const versionOf = (dataschema: string): number | undefined => {
  const version = /^urn:millrace:event:[\w.-]+:(\d{1,6})$/.exec(dataschema)?.[1]
  return version ? Number(version) : undefined
}
