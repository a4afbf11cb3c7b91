import { missingOwner } from './owner.ts'

/** Something broke. `code` is for programs and never changes; `message` is a sentence for people. */
export class Fault<Code extends string = string> extends Error {
  readonly code: Code
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
  }
}

/** Everything that can break, in one place. A sentence says what was expected, where, and what to do. */
export const faults = {
  unreachable: (url: string, cause: unknown, why = '', advice = 'Start one with: millrace nats') =>
    new Fault('bus.unreachable', `No NATS server answers at ${url}${why && `: ${why}`}. ${advice}`, { cause }),
  noOwner: (subject: string) => new Fault('bus.no-owner', missingOwner(subject)),
  timeout: (what: string, milliseconds: number) =>
    new Fault('bus.timeout', `${what} gave no answer within ${milliseconds} ms`),
  interrupted: (what: string) =>
    new Fault('bus.timeout', `The connection broke before there was an answer to: ${what}`),
  closed: (what: string) => new Fault('bus.closed', `The connection was closed before there was an answer to: ${what}`),
  denied: (what: string, cause: unknown) =>
    new Fault('bus.denied', `This principal may not ${what}. See: millrace permissions`, { cause }),
  ownKey: () =>
    new Fault(
      'server.own-key',
      "local is the key of the server's own machine and can't be revoked. To make all keys anew, stop the server and remove the folder certs under the state folder",
    ),
  shutOut: (url: string, cause: unknown) =>
    new Fault(
      'bus.denied',
      `The server at ${url} lets in only those whom it knows. Use --creds with a file that millrace certs wrote there, or have it written anew where that was revoked`,
      { cause },
    ),
  untrusted: (url: string, reason: string, cause: unknown) =>
    new Fault(
      'bus.denied',
      `The server at ${url} does not prove who it is (${reason}). Use --creds with a file that millrace certs wrote there for this machine`,
      { cause },
    ),
  plain: (url: string, cause: unknown) =>
    new Fault(
      'bus.denied',
      `The server at ${url} speaks without TLS, so it is given no credentials. Start it with: millrace nats --tls`,
      { cause },
    ),
  contended: (subject: string, tries: number) =>
    new Fault('bus.contended', `${subject} changed under us ${tries} times in a row`),
  refusedByServer: (what: string, code: number, description: string) =>
    new Fault('bus.refused', `The server refused ${what}: ${description} (${code}). See: millrace doctor`),
  drift: (stream: string, differences: readonly string[]) =>
    new Fault(
      'bus.drift',
      `Stream ${stream} is not as this version needs it:\n  ${differences.join('\n  ')}\nUse another server, or change the stream with: nats stream edit ${stream}`,
    ),
  tooOldServer: (found: string, required: string) =>
    new Fault('bus.old-server', `The NATS server is ${found}; millrace needs ${required} or newer`),
  otherLog: (expected: string, found: string) =>
    new Fault(
      'log.other',
      `The log is ${found}, but ${expected} was followed: it was made anew, or this is another server`,
    ),
  shorterLog: (sequence: number, head: number) =>
    new Fault(
      'log.shorter',
      `The log ends at ${head}, before the followed position ${sequence}: rebuild. See: millrace projections rebuild`,
    ),
  shorterOutput: (place: number, end: number) =>
    new Fault(
      'log.shorter',
      `What was printed ends at ${end}, before the place ${place}: it was made anew. Read it from its beginning`,
    ),
  forgottenFacts: (subject: string, sequence: number, found: number, database: string) =>
    new Fault(
      'log.shorter',
      `${subject} ends at ${found} in the log, which had acknowledged ${sequence}: the log was restored from an older copy. What this host knows of it no longer holds: move ${database} away and start the host again. It then offers its files anew`,
    ),
  changedLog: (sequence: number, expected: string, found: string) =>
    new Fault(
      'log.changed',
      `The log holds ${found} at ${sequence}, where ${expected} was followed: rebuild. See: millrace projections rebuild`,
    ),
  brokenContract: (type: string, problems: string) =>
    new Fault('contract.broken', `${type} breaks its contract: ${problems}`),
  tooLarge: (type: string, found: number, limit: number) =>
    new Fault(
      'contract.too-large',
      `${type} holds ${found} characters, and may hold ${limit}: save what is large in a store, and say its path`,
    ),
  unknownMessage: (type: string, known: readonly string[]) =>
    new Fault('contract.unknown', `Nothing is called '${type}'. Known: ${known.join(', ')}`),
  keptElsewhere: (store: string) =>
    new Fault(
      'host.twin',
      `${store} is kept by another host already, and a store lies in one place. See which: millrace hosts ls. Stop that one, or give this pipeline another name`,
    ),
  twin: (host: string, where: string) =>
    new Fault(
      'host.twin',
      `A host named ${host} is alive already (${where}). Stop it, or start this one with another --name`,
    ),
  missingBytes: (digest: string, host: string) =>
    new Fault('artifact.missing', `The bucket of ${host} does not hold ${digest}`),
  changed: (what: string, offered: string, found: string | undefined) =>
    new Fault(
      'artifact.changed',
      found === undefined
        ? `${what} is gone since it was offered: it was ${offered.slice(0, 12)}. Put it back and rerun`
        : `${what} has changed since it was offered: it was ${offered.slice(0, 12)}, now ${found.slice(0, 12)} lies there. Put the former bytes back and rerun, or start a run with what lies there`,
    ),
  wrongBytes: (digest: string, found: string) =>
    new Fault('artifact.wrong', `The bytes are those of ${found}, not of ${digest}`),
  serverTooOld: (path: string, found: string, required: string) =>
    new Fault(
      'server.too-old',
      `MILLRACE_NATS_SERVER names ${path}, which is nats-server ${found}; ${required} or newer is required. Install a newer one there, or unset the variable to let millrace find one`,
    ),
  serverUnusable: (path: string, reason: string, required: string) =>
    new Fault(
      'server.unusable',
      `MILLRACE_NATS_SERVER names ${path}, but ${reason}; a nats-server of ${required} or newer is required. Correct the variable, or unset it to let millrace find one`,
    ),
  serverNotFound: (required: string, reasons: readonly string[]) =>
    new Fault(
      'server.not-found',
      `No nats-server of ${required} or newer was found, and none could be fetched:\n  ${reasons.join('\n  ')}\nDo one of these: install nats-server ${required} or newer on PATH, set MILLRACE_NATS_SERVER to one, or use a running server with --nats nats://<host>:<port>`,
    ),
  portTaken: (port: number, by: { kind: string; isNats: boolean; pid?: number; name?: string }) =>
    new Fault(
      'server.port-taken',
      `Port ${port} is taken by ${by.kind}${by.pid ? ` (${by.name}, process ${by.pid})` : ''}, where our nats-server was to listen. Choose another port with --nats-port${by.isNats ? `, or use that server with --nats nats://127.0.0.1:${port}` : ''}`,
      { cause: by },
    ),
  serverExited: (how: string, log: string, lines: string) =>
    new Fault('server.exited', `nats-server ended before it was ready (${how}). The end of ${log}:\n${lines}`),
  serverSilent: (pid: number, seconds: number, log: string, reason: string) =>
    new Fault(
      'server.silent',
      `nats-server (process ${pid}) was not ready within ${seconds} s: ${reason}. See ${log}; to begin afresh, end it with: kill ${pid}`,
    ),
  lockHeld: (what: string, pid: number, path: string) =>
    new Fault('lock.held', `${what} is in use by process ${pid} (${path}). Stop it, or use another folder`),
  leavesStore: (path: string) =>
    new Fault('store.outside', `'${path}' is not a path inside the store: use names joined by /, none of them . or ..`),
  folderAway: (folder: string) =>
    new Fault('store.away', `The folder ${folder} is not there. Put it back, or mount what it lies on, and try again`),
  noFolder: (whose: string, folder: string, reason: string, cause: unknown) =>
    new Fault('store.no-folder', `${whose} can't have its folder ${folder}: ${reason}`, { cause }),
  taken: (path: string, store: string, by: string, advice: string) =>
    new Fault('store.taken', `${path} in ${store} is there already, from ${by}. ${advice}`),
  foreign: (path: string, store: string, file: string, advice: string) =>
    new Fault(
      'store.foreign',
      `${path} in ${store} was there before this log began (${file}). Move it away, or start with --ephemeral. ${advice}`,
    ),
  unwatchable: (folder: string, cause: unknown) =>
    new Fault('store.unwatchable', `${folder} can't be watched: ${reasonOf(cause)}. See: millrace doctor`, { cause }),
  noArtifact: (path: string, store: string) =>
    new Fault('store.missing', `${store} holds no ${path}. See: millrace artifacts ls`),
  keepsNoCards: (store: string, kind: string) =>
    new Fault(
      'store.no-cards',
      `${store} is a ${kind} and keeps no cards: make it a modelRegistry or a datasetRegistry`,
    ),
  readOnly: (store: string) =>
    new Fault('store.read-only', `${store} can't be written: its resource has no function write`),
  resourceFailed: (store: string, reason: string) =>
    new Fault('resource.failed', `The resource of ${store} failed: ${reason}`),
  resourceSilent: (store: string, doing: string, seconds: number) =>
    new Fault(
      'resource.silent',
      `The resource of ${store} gave no sign of life for ${seconds} s while it was to ${doing}`,
    ),
  resourceEnded: (store: string, how: string) =>
    new Fault('resource.silent', `The process of the resource of ${store} ended before it had answered: ${how}`),
  noStore: (store: string, hint = '') => new Fault('store.unknown', `No host runs a store ${store}${hint}`),
  noStoreDefined: (pipeline: string, reason: string) =>
    new Fault(
      'store.unknown',
      `Nobody answers, and as ${pipeline} is defined ${reason}. Correct the name, or start ${pipeline} with such a store first`,
    ),
  unreadableConfig: (file: string, reason: string, cause: unknown) =>
    new Fault('config.unreadable', `${file} cannot be imported: ${reason}`, { cause }),
  notInstalled: (library: string, wanting: string, cause: unknown) =>
    new Fault('config.not-installed', `${wanting} needs ${library}. Install it: npm install ${library}`, { cause }),
  noProgram: (program: string, folder: string) =>
    new Fault(
      'action.no-program',
      `There is no program ${program} for this host (looked for from ${folder}). Install it, or name it by its path`,
    ),
  noState: (folder: string) =>
    new Fault(
      'config.state',
      `There is no state folder ${folder}: name that of a start on this machine. Lists are filtered by --status`,
    ),
  notAFile: (path: string) => new Fault('config.folder', `${path} is a folder: name a file`),
  emptyConfig: (file: string, exported: readonly string[]) =>
    new Fault(
      'config.empty',
      `${file} exports no pipeline: expected export const name = pipeline(…), found ${exported.join(', ') || 'no export'}`,
    ),
  badConfig: (file: string, mistakes: readonly string[]) =>
    new Fault(
      'config.bad',
      `${file} has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`,
    ),
  badCard: (what: string, mistakes: readonly { readonly field: string; readonly message: string }[]) =>
    new Fault(
      'card.invalid',
      `${what} has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}:\n${mistakes.map(({ field, message }) => `  ${field ? `${field}: ` : ''}${message}`).join('\n')}`,
      { cause: mistakes.map(({ field, message }) => ({ path: [field], message })) },
    ),
  behind: (position: string, at: string, milliseconds: number) =>
    new Fault(
      'projection.behind',
      `The projection is at ${at} and did not reach ${position} within ${milliseconds} ms. Ask again`,
    ),
  halted: (position: string, type: string, reason: string) =>
    new Fault(
      'projection.halted',
      `The projection halted before ${position} (${type}): ${reason}. Mend it, then: millrace projections rebuild`,
    ),
  foreignDatabase: (path: string, reason: string) =>
    new Fault(
      'projection.foreign',
      `${path} is not a database that millrace can rebuild (${reason}). Move it away, or name another path`,
    ),
  rebuilding: (file: string) => new Fault('projection.rebuilding', `${file} is being built anew. Ask again in a while`),
  busyDatabase: (file: string) =>
    new Fault('projection.busy', `Another program holds ${file}, so it can't be read at this moment. Ask again`),
  foreignPosition: (position: string, logId: string) =>
    new Fault('query.other-log', `${position} is no position of the log ${logId}`),
  brokenQuery: (view: string, problems: string, issues: unknown) =>
    new Fault('query.broken', `${view} can't be asked so: ${problems}`, { cause: issues }),
  badCursor: () => new Fault('query.bad-cursor', 'The cursor is none that this list gave: begin again without one'),
  nothingThere: (what: string) => new Fault('query.nothing', `There is no ${what}`),
  webPortTaken: (host: string, port: number) =>
    new Fault('web.port-taken', `Port ${port} of ${host} is in use already. Choose another one with --port`),
  exposed: (host: string) =>
    new Fault(
      'web.exposed',
      `${host} can be reached from other machines, and nothing here keeps strangers out. Use --host 127.0.0.1, or name a file of those who may come in with --tokens`,
    ),
  badTokens: (path: string, problem: string, cause?: unknown) =>
    new Fault(
      'web.bad-tokens',
      `${path} does not say who may come in: ${problem}. Write { "name", "sha256" } for each, one a line or as a list`,
      { cause },
    ),
  unknownUser: (why: string) => new Fault('web.unknown-user', why),
  noSecrets: () =>
    new Fault(
      'web.no-secrets',
      'This server has nowhere to put a secret, so it takes no cloud link. Ask one that runs beside the portal',
    ),
  forbidden: (reason: string) => new Fault('web.forbidden', reason),
  misdirected: (host: string) => new Fault('web.misdirected', `This server does not answer for ${host}`),
} as const

export type FaultCode = ReturnType<(typeof faults)[keyof typeof faults]>['code']

/** What an unknown thrown value has to say. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
