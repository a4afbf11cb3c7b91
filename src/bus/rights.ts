import { events } from '#contracts/all'
import { probeLog } from '#contracts/subjects'

/** What one part of a job needs: subjects to publish to and to subscribe to, and what its wildcards must leave out. */
export type Allowed = {
  readonly publish: readonly string[]
  readonly subscribe?: readonly string[]
  readonly deny?: readonly string[]
  readonly answers?: boolean
}

/** Whose rights they are; `*` stands for any. */
export type Named = {
  readonly principal: string
  readonly pipeline: string
  readonly agents: readonly string[]
  readonly stores: readonly string[]
  readonly bucket: boolean
}

export const any = '*'

/** Where the answers to a principal arrive; nobody else may listen there. */
export const inboxOf = (principal: string): string => `_INBOX_${principal}`

/** The aggregates under which facts about a pipeline are posted. */
const factAggregates = [
  ...new Set(Object.entries(events).flatMap(([type, { kind }]) => (kind === 'fact' ? [type.split('.')[0] ?? ''] : []))),
].filter((aggregate) => aggregate !== 'host' && aggregate !== 'notification')

export const api = '$JS.API'
const streamNames = ['EVENTS', 'WORK', 'TIMERS', 'LOGS', 'DEAD'] as const

/** Opening a bus: the streams are looked at, and answers arrive. */
export const opening = (principal: string): Allowed => ({
  publish: [`${api}.INFO`, ...streamNames.map((name) => `${api}.STREAM.INFO.${name}`)],
  subscribe: [`${inboxOf(principal)}.>`],
})

/** Reading aggregates: the leader for the version, any replica for the events. */
export const readingHistories: Allowed = { publish: [`${api}.STREAM.MSG.GET.EVENTS`, `${api}.DIRECT.GET.EVENTS`] }

/** Following the log with consumers that are one's own; the one durable consumer there is is the dispatcher's. */
export const following: Allowed = {
  publish: ['CREATE', 'MSG.NEXT', 'DELETE']
    .map((verb) => `${api}.CONSUMER.${verb}.EVENTS.*`)
    .concat(`${api}.CONSUMER.CREATE.EVENTS`),
  deny: ['CREATE', 'MSG.NEXT', 'DELETE'].map((verb) => `${api}.CONSUMER.${verb}.EVENTS.dispatcher`),
}

/** Putting work and setting timers, under the one name that all hosts share. */
export const dispatching: Allowed = {
  publish: [
    ...['CREATE', 'MSG.NEXT'].map((verb) => `${api}.CONSUMER.${verb}.EVENTS.dispatcher`),
    '$JS.ACK.EVENTS.dispatcher.>',
    'work.*.*.*',
    'timers.set.*.*',
  ],
}

export const takingWork = ({ pipeline, agents, principal }: Named): Allowed => ({
  publish: agents
    .flatMap((agent) => {
      // A wildcard stands for a whole token, and a consumer's name is one: without names, any consumer of WORK is allowed.
      const consumer = agent === any || pipeline === any ? any : `${pipeline}=${agent}`
      return [
        `${api}.CONSUMER.CREATE.WORK.${consumer}.work.${pipeline}.${agent}.*`,
        `${api}.CONSUMER.INFO.WORK.${consumer}`,
        `${api}.CONSUMER.MSG.NEXT.WORK.${consumer}`,
        `$JS.ACK.WORK.${consumer}.>`,
        ...factsOf(pipeline, agent).publish,
        `logs.*.*.${pipeline}.${agent}`,
        `dead.*.${agent}.*`,
      ]
    })
    .concat(`events.host.all.${principal}`),
})

export const keepingStore = (pipeline: string, store: string): Allowed => ({
  publish: [`events.artifact.${pipeline}.${store}`],
  subscribe: [`services.${pipeline}.${store}.*.*`],
  answers: true,
})

export const factsOf = (pipeline: string, producer: string): Allowed => ({
  publish: factAggregates.map((aggregate) => `events.${aggregate}.${pipeline}.${producer}`),
})

/** Asking as oneself: the principal is the last token, and the server pins it. */
export const asking = (principal: string, types: readonly string[]): Allowed => ({
  publish: [
    ...types.map((type) => `commands.${type.replace('.', '.*.')}.${principal}`),
    `queries.*.*.${principal}`,
    `services.*.*.*.${principal}`,
  ],
})

export const deciding = (pipeline: string): Allowed => ({
  publish: [`events.pipeline.${pipeline}.self`, `events.run.${pipeline}.*`],
  subscribe: [`commands.pipeline.${pipeline}.*.*`, `commands.run.${pipeline}.*.*`, `services.${pipeline}.*.repeat.*`],
  answers: true,
})

/** Consuming the timers that are due, and removing them. */
export const waiting = (pipeline: string): Allowed => {
  const consumer = pipeline === any ? any : `due=${pipeline}`
  return {
    publish: [
      `${api}.CONSUMER.CREATE.TIMERS.${consumer}.timers.due.${pipeline}.*`,
      `${api}.CONSUMER.MSG.NEXT.TIMERS.${consumer}`,
      `$JS.ACK.TIMERS.${consumer}.>`,
      `${api}.STREAM.MSG.DELETE.TIMERS`,
    ],
  }
}

const presence = 'KV_presence'

export const appearing = (principal: string): Allowed => ({
  publish: [
    `${api}.STREAM.INFO.${presence}`,
    `${api}.DIRECT.GET.${presence}.$KV.presence.${principal}`,
    `$KV.presence.${principal}`,
  ],
})

export const seeingWhoIsThere: Allowed = {
  publish: [`${api}.STREAM.INFO.${presence}`, `${api}.DIRECT.GET.${presence}`],
}

/** Reading what was printed, with consumers that are one's own; the last of it is asked of the stream's leader. */
export const readingOutput: Allowed = {
  publish: [
    `${api}.STREAM.MSG.GET.LOGS`,
    `${api}.CONSUMER.CREATE.LOGS.*.logs.*.*.*.*`,
    `${api}.CONSUMER.MSG.NEXT.LOGS.*`,
    `${api}.CONSUMER.DELETE.LOGS.*`,
  ],
}

/** What agents gave up on, and whether the server stores what is written to it. */
export const examining: Allowed = {
  publish: [`${api}.STREAM.MSG.GET.DEAD`, `${api}.DIRECT.GET.DEAD`, `${api}.STREAM.MSG.GET.LOGS`, probeLog],
}

/** Removing what agents gave up on, once it was put back as work or is to be forgotten. */
export const unburying: Allowed = { publish: [`${api}.STREAM.MSG.DELETE.DEAD`] }

/** One's own bucket: made where it is missing, and told how long to keep bytes; chunks of what could not be put are removed. */
export const writingBytes = (principal: string): Allowed => {
  const bucket = `artifacts-${principal}`
  const verbs = ['INFO', 'CREATE', 'UPDATE', 'PURGE']
  return { publish: [...verbs.map((verb) => `${api}.STREAM.${verb}.OBJ_${bucket}`), `$O.${bucket}.>`] }
}

/** The buckets of others, whatever their names: so every stream may be read but those named here. */
export const readingBytes: Allowed = {
  publish: [`${api}.STREAM.MSG.GET.*`, `${api}.DIRECT.GET.*`],
  deny: streamNames
    .filter((name) => name !== 'EVENTS')
    .flatMap((name) => [`${api}.STREAM.MSG.GET.${name}`, `${api}.DIRECT.GET.${name}`]),
}
