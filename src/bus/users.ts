import { type Permissions, permissionsOf, type Wanted } from './permissions.ts'

/** Somebody whom the server lets in: its public key, and what it is for. `everything`: the server's own machine. */
export type User = {
  readonly name: string
  readonly nkey: string
  readonly wanted: readonly Wanted[] | 'everything'
}

/** Permissions as a piece of a nats-server's configuration. */
export const configOf = ({ publish, subscribe, answers }: Permissions): string =>
  [
    'permissions: {',
    '  publish: {',
    list('allow', publish.allow),
    ...(publish.deny.length > 0 ? [list('deny', publish.deny)] : []),
    '  }',
    '  subscribe: {',
    list('allow', subscribe.allow),
    '  }',
    ...(answers ? ['  allow_responses: true'] : []),
    '}',
  ].join('\n')

const list = (key: string, subjects: readonly string[]): string =>
  [`    ${key}: [`, ...subjects.map((subject) => `      ${JSON.stringify(subject)}`), '    ]'].join('\n')

/** The users of a server, and what each may do, as its configuration. Without any it would let in everybody. */
export const authorizationOf = (users: readonly User[]): string => {
  if (users.length === 0) throw new RangeError('A server needs at least one user')
  return ['authorization {', '  users = [', ...users.map((user) => indent(userOf(user), 4)), '  ]', '}', ''].join('\n')
}

const userOf = ({ name, nkey, wanted }: User): string =>
  wanted === 'everything'
    ? `# ${name}\n{ nkey: ${nkey} }`
    : `# ${name}\n{\n  nkey: ${nkey}\n${indent(configOf(permissionsOf(...wanted)), 2)}\n}`

const indent = (text: string, by: number): string =>
  text
    .split('\n')
    .map((line) => ' '.repeat(by) + line)
    .join('\n')
