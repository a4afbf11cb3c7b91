import { randomFillSync } from 'node:crypto'
import type { z } from 'zod'
import { commands, type Message } from '#contracts/all'
import type { Cause } from '#contracts/envelope'
import { passedOver } from '#contracts/fields'
import { problemsOf } from '#contracts/problems'
import { type Address, askedBy, commandOf, commandsTo } from '#contracts/subjects'
import type { Bus, Request, RequestOptions } from './bus.ts'
import type { Decider } from './decider.ts'
import { faults } from './fault.ts'
import { type Answer, ownerOf } from './handle.ts'

/** A command with all that its events will say about where they come from. */
export type Command = {
  /** The asker's, UUIDv7, kept over retries. */
  readonly id: string
  readonly type: string
  readonly data: unknown
  readonly principal: string
  readonly correlationId: string
  readonly causationId: string
  readonly traceparent?: string | undefined
}

/** What an asker says; the rest is derived. */
export type Asked = {
  readonly address: Address
  readonly type: string
  readonly data: unknown
  readonly id?: string
  /** The event that led to it. */
  readonly causedBy?: Cause | undefined
  readonly traceparent?: string | undefined
}

/** A UUID of version 7 (RFC 9562): sorts by time. */
export const uuidv7 = (): string => {
  const bytes = randomFillSync(Buffer.alloc(16))
  bytes.writeUIntBE(Date.now(), 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The last word of a command's type: `start-node` of `run.start-node`. */
const verbOf = (type: string): string => type.split('.').at(-1) ?? type

/** The command as its owner handles it. */
export const commandFrom = (
  { id = uuidv7(), type, data, causedBy, traceparent = causedBy?.traceparent }: Asked,
  principal: string,
): Command => ({
  id,
  type,
  data,
  principal,
  correlationId: causedBy?.correlationId ?? id,
  causationId: causedBy?.id ?? id,
  traceparent,
})

/**
 * Asks whoever owns the aggregate. Rejects where the data breaks the contract, has a field that it doesn't know, and where
 * nobody answers.
 */
export const ask = async (
  bus: Pick<Bus, 'request' | 'principal'>,
  asked: Asked,
  options: RequestOptions = {},
): Promise<Answer> => {
  const kept = keepingContract(asked.type, asked.data)
  refusePassedOver(asked.type, asked.data, kept, commands[asked.type as keyof typeof commands].data)
  return askAnyway(bus, asked, options)
}

/** Asks as a process does that says what an earlier, perhaps a later version of it had written down: what is unknown is left out. */
export const askAnyway = async (
  bus: Pick<Bus, 'request' | 'principal'>,
  asked: Asked,
  options: RequestOptions = {},
): Promise<Answer> => {
  const command = commandFrom(asked, bus.principal)
  const data = keepingContract(command.type, command.data)
  const { aggregate, scope, key } = asked.address
  const { id, type, correlationId, causationId, traceparent } = command
  const subject = commandOf(aggregate, scope, verbOf(type), bus.principal)
  return (await bus.request(
    subject,
    { id, type, key, data, correlationId, causationId },
    {
      ...options,
      traceparent,
    },
  )) as Answer
}

/** A command's data as its contract has it; a fault with the path of each wrong field where it has not. */
export const keepingContract = (type: string, data: unknown): unknown => {
  const contract = Object.hasOwn(commands, type) ? commands[type as keyof typeof commands] : undefined
  if (!contract) throw faults.unknownMessage(type, Object.keys(commands))
  const parsed = contract.data.safeParse(data)
  if (!parsed.success) throw faults.brokenContract(type, problemsOf(parsed.error.issues))
  return parsed.data
}

/**
 * Refuses fields that a contract would pass over, with their paths. Whoever sends something is told so here; owners and
 * readers pass them over, as whoever sends may be of a later version.
 */
export const refusePassedOver = (type: string, given: unknown, kept: unknown, schema: z.ZodType): void => {
  const unknown = passedOver(given, kept, schema)
  if (unknown.length > 0) throw faults.brokenContract(type, unknown.join('; '))
}

/**
 * Owns the aggregates of one scope until `signal` aborts: every command to them comes here, or to a twin. `unheard` says why somebody
 * may not speak for whom it does, where that is so.
 */
export const own = <State, C, E extends Message>(
  bus: Bus,
  decider: Decider<State, C, E>,
  scope: string,
  signal: AbortSignal,
  unheard: (asker: Pick<Request, 'principal' | 'onBehalfOf'>) => string | undefined = () => undefined,
) => {
  const owner = ownerOf(bus, decider)
  const answer = async ({ subject, principal, onBehalfOf, traceparent, body }: Request): Promise<Answer> => {
    const reason = unheard({ principal, onBehalfOf })
    if (reason !== undefined) return { accepted: false, refusal: 'not-allowed', detail: reason }
    const asked = readAsked(body)
    // Permissions allow verbs by subject: a body with another one asks for more than it may.
    if (asked.type !== `${decider.aggregate}.${askedBy(subject).verb}`)
      throw faults.brokenContract(
        asked.type,
        `type: expected ${decider.aggregate}.${askedBy(subject).verb}, as the subject says`,
      )
    const { key, ...command } = asked
    return owner.handle(
      { aggregate: decider.aggregate, scope, key },
      { ...command, data: keepingContract(asked.type, asked.data), principal: onBehalfOf ?? principal, traceparent },
    )
  }
  return { ...owner, served: bus.serve(commandsTo(decider.aggregate, scope), answer, signal) }
}

const readAsked = (body: unknown): Omit<Command, 'principal'> & { readonly key: string } => {
  const { id, type, key, data, correlationId, causationId } = (body ?? {}) as Record<string, unknown>
  const text = (name: string, value: unknown, allowed = /^[\w.:-]{1,300}$/): string => {
    if (typeof value !== 'string' || !allowed.test(value))
      throw faults.brokenContract('command', `${name}: expected a text that matches ${allowed.source}`)
    return value
  }
  const token = /^[\w-]{1,128}$/
  const idText = text('id', id, token)
  return {
    id: idText,
    type: text('type', type),
    key: text('key', key, token),
    data,
    correlationId: correlationId === undefined ? idText : text('correlationId', correlationId),
    causationId: causationId === undefined ? idText : text('causationId', causationId),
  }
}
