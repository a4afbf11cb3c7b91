import { userInfo } from 'node:os'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { isLoopback } from '#bus/server-place'
import type { CloudLink } from '#contracts/cloud-link'
import { portalPlace } from '#contracts/experiment-parts'
import { nameFrom } from '#contracts/names'
import type { Graph } from '#contracts/pipeline'
import { queriesTo, serviceOf } from '#contracts/subjects'
import { answerQueries } from '#projections/answer-queries'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { appOf } from './app.ts'
import { namesAt } from './guard.ts'
import { startWeb } from './server.ts'
import type { Site } from './site.ts'
import { tokensIn } from './tokens.ts'

export type WebOptions = {
  /** A connection of the web process's own, named `web-…`: it speaks for users. */
  readonly bus: Bus
  /** The pipelines that this process's config defines. */
  readonly graphs: readonly Graph[]
  /** Where the projection's database lies: the metadata store's path, or one under the state folder. */
  readonly metadataPath: string
  readonly host: string
  readonly port: number
  readonly stateDir: string
  /** A file of those who may come in, read anew when it changes; without one, whoever reaches this server is its user. */
  readonly tokens?: string | undefined
  /** In whose name its user asks, where it has no tokens; this machine's user unless said. */
  readonly as?: string | undefined
  readonly putSecret?: Site['putSecret']
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Called once the server listens, with its address. */
  readonly ready?: (url: string) => void
}

/** Keeps the projection, answers queries over the bus and serves HTTP until `signal` aborts. */
export const runWeb = async (options: WebOptions): Promise<void> => {
  const { bus, graphs, metadataPath, host, port, stateDir, say, ready } = options
  if (!isLoopback(host) && options.tokens === undefined) throw faults.exposed(host)
  const tokens = options.tokens === undefined ? undefined : tokensIn(options.tokens, say)
  const broken = new AbortController()
  const signal = AbortSignal.any([options.signal, broken.signal])
  const follower = await follow({ bus, path: metadataPath, projection: metadata, signal, say })
  const viewer = viewerOf(bus, follower)
  const tasks: Promise<unknown>[] = []
  const run = (task: Promise<unknown>) => {
    tasks.push(task)
    task.catch((cause: unknown) => broken.abort(cause))
  }
  try {
    run(follower.ended)
    const keepers = graphs.filter(({ nodes }) => nodes.some(({ kind }) => kind === 'metadata-store'))
    run(
      answerQueries(
        bus,
        viewer,
        keepers.map(({ pipeline }) => pipeline),
        signal,
      ),
    )
    const { as: user = nameOfUser(), putSecret = puttingSecrets(bus) } = options
    const app = appOf({ bus, viewer, graphs, user, tokens, putSecret, names: namesAt(host), signal, say })
    const { url, closed } = await startWeb({ app, host, port, stateDir, signal, say })
    run(closed)
    const rebuild = async () => {
      await follower.rebuild()
      return { position: follower.now().position }
    }
    for (const { pipeline } of graphs) {
      run(bus.serve(queriesTo('web', pipeline), async () => ({ url }), signal))
      run(bus.serve(queriesTo('rebuild', pipeline), rebuild, signal))
    }
    ready?.(url)
    await aborted(signal)
  } catch (cause) {
    broken.abort(cause)
  }
  await Promise.allSettled(tasks)
  viewer.close()
  if (broken.signal.aborted) throw broken.signal.reason
}

/** Has the portal put away what is secret of a cloud link. */
const puttingSecrets =
  (bus: Bus): NonNullable<Site['putSecret']> =>
  async (text, { experiment, principal }) =>
    (await bus.request(
      serviceOf(portalPlace, 'cloud-links', 'keep', bus.principal),
      { experiment, text },
      { onBehalfOf: principal },
    )) as CloudLink

/** The name of this machine's user; a user of a container often has none, only a number. */
const nameOfUser = (): string => {
  try {
    return nameFrom(userInfo().username)
  } catch {
    return `user-${process.getuid?.() ?? 'unknown'}`
  }
}
