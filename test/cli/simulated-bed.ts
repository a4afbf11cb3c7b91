import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { serveCloudLinks } from '#agents/experiments/cloud-links'
import type { TakeStep } from '#agents/experiments/take-steps'
import { openVault } from '#agents/uploads/secrets'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { policy as policyShape } from '#contracts/portal'
import { answerQueries } from '#projections/answer-queries'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { simulateOn } from '../experiments/simulated.ts'
import { madeBy, results } from '../experiments/story.ts'
import { withServer } from '../nats.ts'
import { temporaryFolders } from '../processes.ts'
import { speaking } from './speaking.ts'

const quiet = () => undefined

const policy = policyShape.parse({
  administrators: ['ada'],
  operators: ['olga'],
  portal: ['portal'],
  projects: { rover: { members: ['carol', 'emil'] }, strict: { members: ['carol'], approval: true } },
  gitHosts: ['git.example'],
  sites: {
    north: { server: 'north', nodes: { one: { type: 'Rover' }, two: { type: 'Rover' } } },
    south: { server: 'south', nodes: { three: { type: 'Rover' } } },
  },
})

/** What an experiment's name asks for: `build fails`, at its first try or always, `run fails` at a node, `in lines` or not, or something `holds`. */
const take: TakeStep = async ({ step: { step, part, try: tries }, experiment: { name }, say, signal }) => {
  say(`${step} for ${part}`)
  if (name.includes(`${step} holds`)) {
    await aborted(signal)
    throw signal.reason
  }
  const failing = new RegExp(`${step} fails(?: (once))?(?: at (\\S+))?`).exec(name)
  const isMeant = failing && (!failing[1] || tries === 1) && (failing[2] ?? part) === part
  const lines = name.includes('in lines') ? ': 2 mistakes:\n- one\u001b[31m\n- two' : ''
  if (isMeant) return { failed: `${step} of ${part} broke${lines}`, ...(step === 'run' && { results }) }
  return madeBy(step)
}

/** A real server, a portal and two sites whose agents are simulated, for all tests of a file: each verb is asked of these. */
export const withSites = () => {
  const newFolder = temporaryFolders()
  const nats = withServer()
  const stop = new AbortController()
  const buses: Bus[] = []
  let end = async (): Promise<unknown> => undefined

  beforeAll(async () => {
    const connect = async (principal: string): Promise<Bus> => {
      const bus = await openBus({ url: nats().url, principal })
      buses.push(bus)
      return bus
    }
    const { signal } = stop
    const folder = newFolder()
    const { ended } = await simulateOn(connect, policy, signal, take)
    const vault = await openVault({ folder: join(folder, '.secrets') })
    const keeping = serveCloudLinks(await connect('portal'), vault, () => policy, signal)
    const web = await connect('web-here')
    const path = join(folder, 'metadata.db')
    const follower = await follow({ bus: web, path, projection: metadata, signal, say: quiet })
    const viewer = viewerOf(web, follower)
    const answering = answerQueries(web, viewer, [], signal)
    end = async () => {
      stop.abort()
      await Promise.all([ended, keeping, follower.ended, answering])
      viewer.close()
    }
  }, 60_000)
  afterAll(async () => {
    await end()
    await Promise.all(buses.map((bus) => bus.close()))
  })

  const { run, say, ask } = speaking(() => nats().url)
  const json = async (...words: readonly string[]) => JSON.parse(await ask(...words, '--json'))

  /** Makes an experiment of carol's, and gives its id. */
  const make = async (name: string, project = 'rover', sites = 'north', count = 1): Promise<string> => {
    const resource = join(newFolder(), 'resource.yaml')
    writeFileSync(resource, `nodeType: Rover\ncapabilities: []\ncount: ${count}\nsites: [${sites}]\nhours: 1\n`)
    const about = ['--project', project, '--name', name, '--git', 'https://git.example/a.git', '--resource', resource]
    return (await json('create', ...about, '--cloud', 'directory:carol', '--as', 'carol')).experiment
  }

  /** Resolves as soon as `show` says so of a part, as `<state>` or `<state> <what failed or was cancelled>`. */
  const until = (id: string, part: string, stands: string) =>
    expect
      .poll(
        async () => {
          const { parts } = (await json('show', id)) as { parts: { part: string; state: string; ended: string }[] }
          const found = parts.find((one) => one.part === part)
          return `${found?.state} ${found?.ended}`.trim()
        },
        { interval: 20 },
      )
      .toBe(stands)

  /** Makes one, and has it developed and set up, ready to be run. */
  const ready = async (name: string, ...nodes: readonly string[]): Promise<string> => {
    const sites = new Set(nodes.map((node) => node.split('/')[0]))
    const id = await make(name, 'rover', [...sites].join(', '), Math.ceil(nodes.length / sites.size))
    await ask('initiate', id, '--as', 'carol')
    for (const site of sites) await until(id, `${site}/self`, 'built')
    await ask('setup', id, ...nodes.flatMap((node) => ['--node', node]), '--as', 'olga')
    for (const node of nodes) await until(id, node, 'delivered')
    await ask('ready', id, '--as', 'olga')
    return id
  }
  return { run, say, ask, json, make, until, ready, url: () => nats().url }
}
