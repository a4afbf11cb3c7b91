/** One aggregate. Its subject is `events.<aggregate>.<scope>.<key>`, for example `events.run.root_pipeline.17`. */
export type Address = { readonly aggregate: string; readonly scope: string; readonly key: string }

/** Where a run is decided, by its name: `<pipeline>/<number>`. */
export const addressOfRun = (run: string): Address => {
  const [scope = '', key = ''] = run.split('/')
  return { aggregate: 'run', scope, key }
}

/** A dot, a star or a space in a token would silently change who receives the message. */
const token = (text: string): string => {
  if (!isToken(text)) throw new TypeError(`'${text}' cannot be part of a subject: use letters, digits, - and _`)
  return text
}

const isToken = (text: string | undefined): text is string => text !== undefined && /^[\w-]+$/.test(text)

/** Everything one aggregate has recorded: the unit of consistency. */
export const historyOf = ({ aggregate, scope, key }: Address): string =>
  `events.${token(aggregate)}.${token(scope)}.${token(key)}`

/** The aggregate whose history a subject is; undefined where the subject is none. */
export const addressOf = (subject: string): Address | undefined => {
  const [root, aggregate, scope, key, ...rest] = subject.split('.')
  const isHistory = root === 'events' && rest.length === 0 && isToken(aggregate) && isToken(scope) && isToken(key)
  return isHistory ? { aggregate, scope, key } : undefined
}

/** Histories of some aggregates: what is left out is any. */
export const historiesOf = ({ aggregate = '*', scope = '*', key = '*' }: Partial<Address>): string =>
  `events.${aggregate}.${scope}.${key}`

/** Where a principal asks a command of an aggregate's owners. */
export const commandOf = (aggregate: string, scope: string, verb: string, principal: string): string =>
  `commands.${token(aggregate)}.${token(scope)}.${token(verb)}.${token(principal)}`

/** Where owners listen: every command to the aggregates of one scope. */
export const commandsTo = (aggregate: string, scope: string): string =>
  `commands.${token(aggregate)}.${token(scope)}.*.*`

/** Where a principal asks for a view. */
export const queryOf = (view: string, scope: string, principal: string): string =>
  `queries.${token(view)}.${token(scope)}.${token(principal)}`

export const queriesTo = (view: string, scope: string): string => `queries.${token(view)}.${token(scope)}.*`

/** Where a principal calls an agent that offers a service, for example a store. */
export const serviceOf = (scope: string, agent: string, verb: string, principal: string): string =>
  `services.${token(scope)}.${token(agent)}.${token(verb)}.${token(principal)}`

/** Where all services of an agent are called, or one of them. */
export const servicesOf = (scope: string, agent: string, verb?: string): string =>
  `services.${token(scope)}.${token(agent)}.${verb === undefined ? '*' : token(verb)}.*`

/** What a request subject says: its verb and who asks. The principal is always the last token. */
export const askedBy = (subject: string): { readonly verb: string; readonly principal: string } => {
  const tokens = subject.split('.')
  return { verb: tokens.at(-2) ?? '', principal: tokens.at(-1) ?? '' }
}

/** Who is asked with a subject: a pipeline's metadata, its owner, or an agent that offers services. */
export const askedOf = (
  subject: string,
): {
  readonly root: string
  readonly aggregate?: string
  readonly scope: string
  readonly agent: string | undefined
} => {
  const [root = '', first = '', second = ''] = subject.split('.')
  return root === 'services'
    ? { root, scope: first, agent: second }
    : { root, aggregate: first, scope: second, agent: undefined }
}

/** One piece of work: named by the event that asks for it, so it can't be put twice. */
export const workOf = (where: string, agent: string, eventId: string): string =>
  `work.${token(where)}.${token(agent)}.${nameOfId(eventId)}`

export const worksOf = (where: string, agent: string): string => `work.${token(where)}.${token(agent)}.*`

/** What an agent gave up on. */
export const deadOf = (where: string, agent: string, eventId: string): string =>
  `dead.${token(where)}.${token(agent)}.${nameOfId(eventId)}`

/** Where a delay is set, and where it is due. */
export const timerSetOf = (where: string, eventId: string): string => `timers.set.${token(where)}.${nameOfId(eventId)}`
export const timerDueOf = (where: string, eventId: string): string => `timers.due.${token(where)}.${nameOfId(eventId)}`
export const timersDue = (where: string): string => `timers.due.${token(where)}.*`

/** A part of an aggregate that prints: `part` is `<pipeline>/<node>`. */
export type Printer = { readonly scope: string; readonly key: string; readonly part: string }

/** All parts of an aggregate that print, or one of them. */
export type Printers = Pick<Printer, 'scope' | 'key'> & { readonly part?: string | undefined }

/** Where a part prints while it works, for example `logs.root_pipeline.17.leaf_pipeline.eval`. */
export const logOf = (scope: string, key: string, part: string): string =>
  `logs.${token(scope)}.${token(key)}.${tokensOf(part)}`

export const logsOf = ({ scope, key, part }: Printers): string =>
  `logs.${token(scope)}.${token(key)}.${part === undefined ? '*.*' : tokensOf(part)}`

/** Who prints to a subject; undefined where nobody does. */
export const printerOf = (subject: string): Printer | undefined => {
  const [root, scope, key, pipeline, node, ...rest] = subject.split('.')
  const isLog = root === 'logs' && rest.length === 0 && isToken(scope) && isToken(key)
  return isLog && isToken(pipeline) && isToken(node) ? { scope, key, part: `${pipeline}/${node}` } : undefined
}

/** Where `doctor` writes, to see whether it is stored. It has a token less than the output of any work. */
export const probeLog = 'logs.doctor.probe.write'

const tokensOf = (part: string): string => {
  const [pipeline = '', node = '', ...rest] = part.split('/')
  if (rest.length > 0) throw new TypeError(`'${part}' is no part: write <pipeline>/<node>`)
  return `${token(pipeline)}.${token(node)}`
}

/** An event's id as one token, whatever it holds: a dot becomes `_`, all else that a token can't hold its code. */
const nameOfId = (eventId: string): string =>
  eventId.replaceAll('.', '_').replaceAll(/[^\w-]/gu, (odd) => `_${odd.codePointAt(0)?.toString(16)}_`)
