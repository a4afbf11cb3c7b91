import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { connectionOf } from '#bus/connection-of'
import { openBus } from '#bus/jetstream'
import { queryOf } from '#contracts/subjects'
import { eventsOf } from '../events.ts'
import { freePort, millrace, printedBy, type Started, slow, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()

/** The order in which processes start, and whether one of them is killed midway and started again. */
type Way = { readonly order: readonly string[]; readonly kills: boolean }

type Row = Readonly<Record<string, unknown>>

let certificates: Promise<string> | undefined

/** A state folder with certificates, made once for the tests of a file. */
const secured = (): Promise<string> => {
  certificates ??= certify()
  return certificates
}

const certify = async (): Promise<string> => {
  const state = newFolder()
  const made = millrace(['certs', '--state', state])
  if ((await made.ended) !== 0) throw new Error(made.output())
  return state
}

/** A server with TLS, a web process of root's pipeline, and one process for each pipeline, each with a folder of its own. */
const openStage = async (scenario: string, { order, kills }: Way, seed: number, context: TestContext) => {
  const { onTestFinished } = context
  const folder = newFolder()
  const state = join(folder, 'state')
  cpSync(await secured(), state, { recursive: true })
  const [port, webPort] = [await freePort(), await freePort(2)]
  const url = `tls://127.0.0.1:${port}`
  const server = printedBy(context, 'nats', millrace(['nats', '--tls', '--port', `${port}`, '--state', state]))
  onTestFinished(async () => void (await stop(server)))
  await server.says(/listens at tls:/)

  const bases = Object.fromEntries(order.map((host) => [host, join(folder, host)]))
  const running = new Map<string, Started>()
  const launched = (name: string, one: Started): Started => {
    running.set(name, one)
    return printedBy(context, name, one)
  }
  const config = (host: string, of = scenario) => join(import.meta.dirname, of, `${host}.ts`)
  const where = (host: string) => ['--nats', url, '--state', state, '--base', bases[host] ?? '']
  /** Starts the process of one pipeline, perhaps with the config of another scenario; does not wait for it. */
  const start = (host: string, of?: string, name = host): Started => {
    mkdirSync(bases[host] ?? '', { recursive: true })
    const env = { MILLRACE_TEST_GATE: bases[host] ?? '' }
    return launched(name, millrace(['agent', config(host, of), '--name', name, ...where(host)], env))
  }
  const web = (): Started => {
    mkdirSync(bases.root ?? '', { recursive: true })
    return launched('web', millrace(['web', config('root'), '--port', `${webPort}`, ...where('root')]))
  }
  onTestFinished(async () => void (await Promise.all([...running.values()].map(stop))))

  const bus: Bus = await openBus({ ...connectionOf({ nats: url, state }), principal: 'stage' })
  onTestFinished(bus.close)

  /** What a view says once it has read all that is in the log now. */
  const ask = async <T = { readonly items: readonly Row[] }>(view: string, params: object = {}): Promise<T> => {
    const after = `${bus.logId}.${await bus.head()}`
    return patient(() => bus.request(queryOf(view, 'root_pipeline', bus.principal), { ...params, after }) as Promise<T>)
  }
  const patient = async <T>(attempt: () => Promise<T>): Promise<T> => {
    for (const deadline = Date.now() + 60_000; ; )
      try {
        return await attempt()
      } catch (cause) {
        if (Date.now() > deadline) throw cause
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
  }
  const until = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> => {
    for (const deadline = Date.now() + 60_000; ; ) {
      const found = await look()
      if (found) return found
      if (Date.now() > deadline) throw new Error(`Nothing came of: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  /** The end of a run, once it has come. */
  const ended = (run: number) =>
    until(`the end of run ${run}`, async () => {
      const { events } = await bus.read({ aggregate: 'run', scope: 'root_pipeline', key: String(run) })
      return events.find(({ type }) => /^run\.(succeeded|failed|cancelled|timed-out)$/.test(type))
    })
  /** Puts a file into a watched folder, whole at once. */
  const drop = (host: string, path: string, text: string): void => {
    const file = join(bases[host] ?? '', path)
    mkdirSync(dirname(file), { recursive: true })
    const draft = join(folder, `draft-${path.replaceAll('/', '-')}`)
    writeFileSync(draft, text)
    renameSync(draft, file)
  }
  const read = (host: string, path: string): string => readFileSync(join(bases[host] ?? '', path), 'utf8')
  const has = (host: string, path: string): boolean => existsSync(join(bases[host] ?? '', path))

  /** What a web page or an endpoint answers. */
  const http = async <T>(path: string): Promise<T> => {
    return patient(
      () =>
        new Promise<T>((resolve, reject) => {
          const ca = readFileSync(join(state, 'tls/ca.pem'), 'utf8')
          get(`https://127.0.0.1:${webPort}${path}`, { ca, headers: { Accept: 'application/json' } }, (answer) => {
            let text = ''
            answer.setEncoding('utf8').on('data', (piece: string) => {
              text += piece
            })
            answer.on('end', () => resolve(JSON.parse(text)))
          }).on('error', reject)
        }),
    )
  }

  const kill = async (who: string): Promise<void> => {
    const killed = running.get(who)
    killed?.child.kill('SIGKILL')
    if (killed) await once(killed.child, 'close')
  }
  /** The moment at which a process is killed, in the way in which one is: which one, the seed says. */
  const midway = async (only?: string): Promise<void> => {
    if (!kills) return
    const all = [...order, 'web']
    const who = only ?? (all[seed % all.length] as string)
    await kill(who)
    if (who === 'web') web()
    else start(who)
  }

  const stopHost = async (host: string): Promise<void> => {
    const started = running.get(host)
    if (started) await stop(started)
  }

  const all = {
    start,
    stop: stopHost,
    kill,
    web,
    bus,
    ask,
    until,
    ended,
    drop,
    read,
    has,
    http,
    midway,
    bases,
    events: () => eventsOf(bus),
  }
  return {
    ...all,
    /** Starts everything in its order, and waits until all of it is ready. */
    begin: async (): Promise<void> => {
      const started = [...order.map((host) => start(host)), web()]
      await Promise.all(order.map((host, at) => started[at]?.says(new RegExp(`${host} is ready`))))
    },
  }
}

export type Stage = Awaited<ReturnType<typeof openStage>>

/**
 * Plays a scenario over real processes with TLS: in an order of its hosts, with one process killed and started again midway. The
 * long form plays it undisturbed as well, in that order and in the other. The configs lie in a folder of the scenario's name. What
 * a file plays is played at the same time: each way has a server, ports and folders of its own, and waits most of the time. What is
 * measured is played alone.
 */
export const scenario = (
  name: string,
  hosts: readonly string[],
  claim: string,
  play: (stage: Stage) => Promise<void>,
  { alone = false }: { readonly alone?: boolean } = {},
): void => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const other = hosts.toReversed()
  const undisturbed = slow ? [hosts, ...(hosts.length > 1 ? [other] : [])] : []
  const ways: readonly (readonly [string, Way])[] = [
    ...undisturbed.map((order) => [order.join(', then '), { order, kills: false }] as const),
    [`${other.join(', then ')}, one killed midway, MILLRACE_SEED=${seed}`, { order: other, kills: true }],
  ]
  for (const [how, way] of ways)
    test(`${claim} (${how})`, { timeout: 120_000, concurrent: !alone }, async (context) => {
      await play(await openStage(name, way, seed, context))
    })
}
