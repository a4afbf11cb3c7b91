import type { z } from 'zod'

/** Whose work an event is: the place (pipeline, site, host) and the agent there. */
export type WorkFor = { readonly where: string; readonly agent: string }

/** What is agreed of one event. Kept for ever: a change of meaning is a new version with an upcaster. */
export type EventContract<Schema extends z.ZodType = z.ZodType> = {
  /** `decided`: recorded by the aggregate's owner alone. `fact`: reported by its producer, refused by nobody. */
  readonly kind: 'decided' | 'fact'
  readonly version: number
  readonly description: string
  readonly data: Schema
  /** Set where the event is work, for one or several: says whose, from its data, and in words. */
  readonly work?: (data: z.output<Schema>) => readonly WorkFor[]
  readonly whose?: string
  /** Set where the event asks to be looked at again: milliseconds after it was stored; undefined where this one doesn't. */
  readonly delay?: (data: z.output<Schema>) => number | undefined
  /** Earlier versions: `upcast[1]` turns data of version 1 into data of version 2. */
  readonly upcast?: Readonly<Record<number, (data: never) => unknown>>
}

export type Contract = Readonly<Record<string, EventContract>>

/** What is agreed of the commands of one aggregate: their data, by type. */
export type CommandContract = Readonly<Record<string, { readonly description: string; readonly data: z.ZodType }>>

type Member = { readonly data: z.ZodType }

/** Every message a contract allows, told apart by `type`. */
export type MessageOf<C extends Readonly<Record<string, Member>>> = {
  [Type in keyof C & string]: { readonly type: Type; readonly data: z.output<C[Type]['data']> }
}[keyof C & string]

const of =
  (kind: 'decided' | 'fact') =>
  <Schema extends z.ZodType>(
    description: string,
    data: Schema,
    more: Omit<EventContract<Schema>, 'kind' | 'version' | 'description' | 'data'> & { readonly version?: number } = {},
  ): EventContract<Schema> => ({ kind, version: 1, description, data, ...more })

/** An event that only the aggregate's owner records. */
export const decided = of('decided')

/** An event that nobody can refuse: it reports the outside world. */
export const fact = of('fact')

/** A command: asked of an aggregate's owner, accepted or refused. */
export const command = <Schema extends z.ZodType>(description: string, data: Schema) => ({ description, data })
