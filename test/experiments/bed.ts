import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Client, connect } from '#client/connect'
import type { StepName } from '#contracts/experiment-parts'
import { startTestbed, type Testbed } from '../../examples/experiment/testbed.ts'
import { run, type Started, stop, temporaryFolders } from '../processes.ts'
import { baseImage } from './base-image.ts'
import type { AskDocker } from './engine.ts'
import { leftOf, removeEverything } from './engine-left.ts'
import { repository } from './repository.ts'
import { lastWords, type Seen, told } from './seen.ts'

/** What an experiment of a test is made of. */
export type Wanted = {
  readonly name?: string
  /** What its container runs, with the shell of busybox. */
  readonly script?: string
  /** Lines of its Dockerfile behind those that every one has. */
  readonly build?: readonly string[]
  readonly config?: string
  readonly sites?: readonly string[]
  readonly cloud?: string
  /** How many end nodes of each site it asks for. */
  readonly count?: number
  readonly link?: string
  /** How many bytes there are in a file `large` of its repository, which can be pressed to three quarters of that. */
  readonly large?: number
}

/** Leaves two files, and takes a second. */
export const usual =
  'echo begins; mkdir /results/deep; echo one > /results/a.txt; echo two > /results/deep/b.txt; sleep 1; echo ends'

/** Leaves a file at once, and ends as soon as its sensor says so. */
export const untilTold =
  "trap 'echo told to stop; exit 143' TERM; echo begins; echo one > /results/a.txt; while ! grep -q go /sensor; do sleep 0.2; done; echo two > /results/b.txt"

/** A testbed for all tests of a file: it runs while they do. Experiments on it are of busybox, and take seconds. */
export const withTestbed = (
  engine: { readonly host: string; readonly docker: AskDocker },
  {
    adjust,
    route,
  }: {
    readonly adjust?: (name: string, file: object, folder: string) => object | Promise<object>
    readonly route?: (name: string, nats: string) => string | Promise<string>
  } = {},
) => {
  const newFolder = temporaryFolders()
  let [bed, base, made]: [Testbed | undefined, string, number] = [undefined, '', 0]
  let listening: Started | undefined
  const clients = new Map<string, Promise<Client>>()
  const ids: string[] = []

  beforeAll(async () => {
    const folder = newFolder()
    base = await baseImage(engine.docker)
    process.env.DOCKER_HOST = engine.host
    bed = await startTestbed({
      ...{ folder, base },
      adjust: (name, file) => adjust?.(name, file, folder) ?? file,
      route: (name, nats) => route?.(name, nats) ?? nats,
    })
    const events = ['--filter', 'type=container', '--filter', 'event=start', '--format', '{{json .Actor.Attributes}}']
    listening = run('docker', ['-H', engine.host, 'events', ...events])
  }, 120_000)

  afterAll(async () => {
    for (const client of clients.values()) await (await client).close()
    await bed?.stop()
    if (listening) await stop(listening)
    for (const id of ids) await removeEverything(engine.docker, id)
  }, 120_000)

  const testbed = (): Testbed => {
    if (!bed) throw new Error('The testbed is not there yet')
    return bed
  }
  const as = (principal: string): Promise<Client> => {
    const known = clients.get(principal) ?? connect({ url: testbed().nats, principal })
    clients.set(principal, known)
    return known
  }
  const see = async (id: string): Promise<Seen> => (await as('carol')).experiments.get(id)

  /** Resolves with an experiment as soon as it is so. */
  const until = async (id: string, holds: (seen: Seen) => unknown, within = 120_000): Promise<Seen> => {
    const client = await as('carol')
    const found = new AbortController()
    const signal = AbortSignal.any([found.signal, AbortSignal.timeout(within)])
    let seen = await see(id)
    const look = async () => {
      seen = await see(id)
      if (holds(seen)) found.abort()
    }
    if (holds(seen)) return seen
    let looking = Promise.resolve()
    const follow = client.experiments.follow(
      id,
      0,
      () => {
        looking = looking.then(() => (found.signal.aborted ? undefined : look()))
      },
      signal,
    )
    await follow.catch(() => undefined)
    await looking
    if (found.signal.aborted) return seen
    throw new Error(`It has not become so that ${holds}:\n${told(seen)}\n${lastWords(testbed().folder)}`)
  }

  const order = async (principal: string, id: string, verb: string, data: object = {}) => {
    const answer = await (await as(principal)).experiments.order(id, verb as 'run', data as { sites?: string[] })
    if (!answer.accepted) throw new Error(`${verb} of ${id}: ${answer.detail}`)
    return answer
  }

  /** A repository of its own. */
  const newRepository = ({ script = usual, build = [], config, large = 0 }: Wanted) => {
    const name = `code-${made++}`
    return repository(join(testbed().folder, 'repositories', name), {
      Dockerfile: [
        `FROM ${base}`,
        'RUN mkdir /results && chown 65534:65534 /results',
        ...build,
        'COPY main.sh /main.sh',
        'USER 65534:65534',
        'ENTRYPOINT ["sh", "/main.sh"]',
        '',
      ].join('\n'),
      'main.sh': `${script}\n`,
      ...(large > 0 && { large: randomBytes((large * 3) / 4).toString('base64') }),
      'config.yaml': config ?? 'device: { type: Rover, capabilities: [thermometer] }\ncode: { dependencies: [] }\n',
    })
  }

  const create = async (wanted: Wanted): Promise<string> => {
    const { name = 'Sampling', sites = ['south'], cloud = 'directory:carol', count = 1 } = wanted
    const link = wanted.link ?? newRepository(wanted).link
    const resource = { nodeType: 'Rover', capabilities: ['thermometer'], count, sites: [...sites], hours: 1 }
    const { id, answer } = await (await as('carol')).experiments.create(
      'rover',
      { name, description: '', source: { link }, resource },
      cloud,
    )
    if (!answer.accepted) throw new Error(answer.detail)
    ids.push(id)
    return id
  }

  const isBuilt = ({ experiment: { sites, parts } }: Seen) =>
    Object.keys(sites).length > 0 &&
    Object.keys(sites).every((site) => parts[`${site}/self`]?.build?.state === 'succeeded')

  const built = async (wanted: Wanted): Promise<string> => {
    const id = await create(wanted)
    await order('carol', id, 'initiate')
    await until(id, isBuilt)
    return id
  }

  const isAt =
    (step: StepName, state: string, ...parts: readonly string[]) =>
    ({ experiment }: Seen) =>
      parts.every((part) => experiment.parts[part]?.[step]?.state === state)

  const toTestbed = async (id: string, ...nodes: readonly string[]) => {
    await order('olga', id, 'move-to-testbed', { nodes })
    await until(id, isAt('deliver', 'succeeded', ...nodes))
    await order('olga', id, 'mark-ready')
  }

  return {
    ...{ testbed, as, see, until, order, newRepository, create, built, isBuilt, isAt, toTestbed },
    /** Developed, delivered, and told to run. */
    running: async (wanted: Wanted, ...nodes: readonly string[]): Promise<string> => {
      const id = await built(wanted)
      await toTestbed(id, ...nodes)
      await order('olga', id, 'run')
      return id
    },
    /** How often containers of an experiment's runs have been started. */
    started: (id: string): number =>
      (listening?.output() ?? '')
        .split('\n')
        .filter((line) => line.includes(`"millrace.experiment":"${id}"`) && line.includes('"millrace.run"')).length,
    /** What a node's sensor says: containers that wait for it go on where that is `go`. */
    sense: (node: string, says: string): void =>
      writeFileSync(join(testbed().folder, 'nodes', node, 'sensor'), `${says}\n`),
    left: (id: string) => leftOf(engine.docker, id),
  }
}

export type Bed = ReturnType<typeof withTestbed>
