/** What is said over NATS, for clients that are generated: AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0). */
import { commands, events } from '#contracts/all'
import { header } from '#contracts/envelope'

const uuid = { type: 'string', format: 'uuid', description: 'UUIDv7, kept when the same command is asked again' }
const optional: readonly string[] = [header.trace, header.principal]
const token = (description: string) => ({ description })

/** What each header of an event says. */
const said: Readonly<Record<string, string>> = {
  [header.id]: 'Derived, never drawn: <command id>-<index> or <producer>-<number>',
  [header.type]: "The event's name",
  [header.source]: 'Who recorded it',
  [header.time]: 'When its writer says that it happened, ISO 8601; never an order',
  [header.subject]: 'The subject itself; a message whose subject is another is no event',
  [header.specversion]: '1.0',
  [header.dataschema]: 'urn:millrace:event:<name>:<version>, the $id of its schema',
  [header.correlation]: 'The first event or command of the whole story',
  [header.causation]: 'The event or command that led to this one',
  [header.principal]: 'Who asked',
  [header.trace]: 'W3C trace context',
}

const aggregateOf = (type: string): string => type.split('.')[0] ?? ''
const aggregates = [...new Set(Object.keys(events).map(aggregateOf))]
const commanded = [...new Set(Object.keys(commands).map(aggregateOf))]

const refs = (types: readonly string[], prefix = '') =>
  Object.fromEntries(types.map((type) => [prefix + type, { $ref: `#/components/messages/${prefix}${type}` }]))

const eventChannels = aggregates.map((aggregate) => [
  `events.${aggregate}`,
  {
    address: `events.${aggregate}.{scope}.{key}`,
    description: 'One subject is the history of one aggregate, kept for ever in the stream EVENTS',
    parameters: {
      scope: token('The pipeline; `all` for hosts'),
      key: token('`self` for a pipeline, the number of a run, the producer of a fact'),
    },
    messages: refs(Object.keys(events).filter((type) => aggregateOf(type) === aggregate)),
  },
])

const commandChannels = commanded.map((aggregate) => [
  `commands.${aggregate}`,
  {
    address: `commands.${aggregate}.{scope}.{verb}.{principal}`,
    description: 'Asks the owner of an aggregate: a plain request, answered with what was decided',
    parameters: {
      scope: token('The pipeline'),
      verb: token("The second half of the command's name"),
      principal: token('Who asks; permissions pin it'),
    },
    messages: {
      ...refs(
        Object.keys(commands).filter((type) => aggregateOf(type) === aggregate),
        'command.',
      ),
      answer: { $ref: '#/components/messages/answer' },
    },
  },
])

const operations = [
  ...aggregates.map((aggregate) => [
    `read.${aggregate}`,
    { action: 'receive', channel: { $ref: `#/channels/events.${aggregate}` } },
  ]),
  ...commanded.map((aggregate) => {
    const channel = { $ref: `#/channels/commands.${aggregate}` }
    const of = Object.keys(commands).filter((type) => aggregateOf(type) === aggregate)
    const messages = of.map((type) => ({ $ref: `#/channels/commands.${aggregate}/messages/command.${type}` }))
    const answer = [{ $ref: `#/channels/commands.${aggregate}/messages/answer` }]
    return [`ask.${aggregate}`, { action: 'send', channel, messages, reply: { channel, messages: answer } }]
  }),
]

const eventMessages = Object.entries(events).map(([type, { version, description, kind }]) => [
  type,
  {
    name: type,
    summary: description,
    tags: [{ name: kind }],
    headers: { $ref: '#/components/schemas/envelope' },
    payload: { $ref: `./${type}.${version}.json` },
  },
])

const commandMessages = Object.entries(commands).map(([type, { description }]) => [
  `command.${type}`,
  {
    name: type,
    summary: description,
    payload: {
      type: 'object',
      required: ['id', 'type', 'key', 'data'],
      properties: {
        id: uuid,
        type: { const: type },
        key: { type: 'string', description: "The last token of the aggregate's subject" },
        data: { $ref: `./command.${type}.json` },
        correlationId: { type: 'string' },
        causationId: { type: 'string' },
      },
    },
  },
])

const answer = {
  name: 'answer',
  summary: 'Accepted, with the position at which it can be read; or refused, and nothing recorded',
  payload: {
    oneOf: [
      {
        type: 'object',
        required: ['accepted'],
        properties: {
          accepted: { const: true },
          position: { type: 'string' },
          events: { type: 'array', items: { type: 'string' }, description: 'The names of what was recorded' },
        },
      },
      {
        type: 'object',
        required: ['accepted', 'refusal', 'detail'],
        properties: { accepted: { const: false }, refusal: { type: 'string' }, detail: { type: 'string' } },
      },
      {
        type: 'object',
        required: ['fault'],
        description: 'It broke: nothing is known of what was decided; ask again with the same id',
        properties: {
          fault: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } },
        },
      },
    ],
  },
}

/** The whole document; it names the schemas that lie beside it. */
export const asyncApi = {
  asyncapi: '3.0.0',
  info: {
    title: 'Millrace',
    version: '1',
    description: 'Events on one durable log, and commands to whoever owns an aggregate.',
    license: { name: 'Apache-2.0' },
  },
  defaultContentType: 'application/json',
  servers: { local: { host: '127.0.0.1:4222', protocol: 'nats' } },
  channels: Object.fromEntries([...eventChannels, ...commandChannels]),
  operations: Object.fromEntries(operations),
  components: {
    messages: Object.fromEntries([...eventMessages, ...commandMessages, ['answer', answer]]),
    schemas: {
      envelope: {
        type: 'object',
        description: 'CloudEvents 1.0 in NATS binary mode',
        required: Object.values(header).filter((name) => !optional.includes(name)),
        properties: Object.fromEntries(
          Object.values(header).map((name) => [name, { type: 'string', description: said[name] }]),
        ),
      },
    },
  },
}
