import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { slow } from '../processes.ts'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { layWire, type Wire } from './proxy.ts'
import { altered, countOf, eventually, failedAt, reasonOf } from './seen.ts'

const engine = await engineForTests()

/** How long nodes are cut off, in milliseconds: in the long form for longer than work may go without a word. */
const away = slow ? 75_000 : 4_000

type Ssh = { readonly port: number; readonly knownHosts: string }
type North = { readonly nodes: { readonly two: { readonly ssh: Ssh } } }
type Portal = { readonly sites: { readonly north: { readonly ssh: Ssh } } }

/** Lays a wire to a machine, and gives the settings that lead over it. */
const overWire = async (ssh: Ssh) => {
  const wire = await layWire(ssh.port)
  const { port } = wire
  appendFileSync(ssh.knownHosts, readFileSync(ssh.knownHosts, 'utf8').replaceAll(`:${ssh.port} `, `:${port} `))
  return { wire, ssh: { ...ssh, port, noticedWithin: 3 } }
}

describe.runIf(engine)('end nodes that are cut off while they run something', { timeout: 240_000 }, () => {
  if (!engine) return
  const wires: Record<string, Wire> = {}
  /** From the portal to a site. */
  let road: Wire | undefined
  afterAll(async () => {
    for (const wire of Object.values(wires)) await wire.stop()
    await road?.stop()
  })
  const bed = withTestbed(engine, {
    adjust: async (name, file) => {
      if (name === 'portal') {
        const { sites } = file as Portal
        const { wire, ssh } = await overWire(sites.north.ssh)
        road = wire
        return { ...file, sites: { ...sites, north: { ...sites.north, ssh } } }
      }
      if (name !== 'north') return file
      const { nodes } = file as North
      const { wire, ssh } = await overWire(nodes.two.ssh)
      wires.two = wire
      return { ...file, nodes: { ...nodes, two: { ...nodes.two, ssh } } }
    },
    route: async (name, nats) => {
      if (name !== 'three') return nats
      wires.three ??= await layWire(Number(new URL(nats).port))
      return `nats://127.0.0.1:${wires.three.port}`
    },
  })
  const parts = ['north/two', 'south/three']
  const running = (id: string) => engine.docker('ps', '-q', '--filter', `label=millrace.experiment=${id}`)

  const begun = async (): Promise<string> => {
    for (const node of ['two', 'three']) bed.sense(node, 'wait')
    const id = await bed.running({ sites: ['north', 'south'], script: untilTold }, ...parts)
    await bed.until(id, ({ experiment }) => parts.every((part) => experiment.parts[part]?.run?.phase === 'running'))
    return id
  }

  const end = async (id: string): Promise<void> => {
    const seen = await bed.until(id, bed.isAt('collect', 'succeeded', ...parts), 120_000 + away)
    for (const part of parts) expect(seen.experiment.parts[part]?.run).toMatchObject({ state: 'succeeded', try: 1 })
    expect(countOf(seen, 'step-failed')).toEqual({})
    expect(bed.started(id)).toBe(2)
    for (const part of parts) {
      const [site = ''] = part.split('/')
      const node = part.slice(site.length + 1)
      const results = join(bed.testbed().folder, site, 'experiments', id, 'results', node, '1-1')
      expect(altered(results)).toEqual([])
      expect(readFileSync(join(results, 'files/b.txt'), 'utf8')).toBe('two\n')
    }
    expect(await bed.left(id)).toEqual([])
    await bed.order('olga', id, 'submit')
    await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self', 'south/self'))
  }

  test(
    'are found again with the same container, which has ended meanwhile',
    async () => {
      const id = await begun()
      for (const wire of Object.values(wires)) wire.hold()
      for (const node of ['two', 'three']) bed.sense(node, 'go')
      await eventually(async () => (await running(id)) === '', 'both containers have ended')
      await delay(away) // Nothing is to happen in this time.
      for (const wire of Object.values(wires)) {
        wire.cut()
        wire.release()
      }
      await end(id)
    },
    120_000 + 2 * away,
  )

  test('are found again with the same container, which goes on, however often they are cut off, also by a site server that was killed meanwhile', async () => {
    const id = await begun()
    for (let times = 0; times < 4; times++) {
      for (const wire of Object.values(wires)) {
        const passed = wire.passed('up', 200)
        wire.cut()
        await passed // It has come back.
      }
    }
    const { hosts, folder } = bed.testbed()
    await hosts.north.kill()
    wires.two?.hold()
    await hosts.north.start()
    const log = join(folder, 'logs/north.log')
    await eventually(() => readFileSync(log, 'utf8').includes('it may run there'), 'it looks for it')
    wires.two?.cut()
    wires.two?.release()
    for (const node of ['two', 'three']) bed.sense(node, 'go')
    await end(id)
  })

  test('fail while something large is on its way between portal and site, and once they are tried again only what is missing of it is sent', async () => {
    const [site, node, size] = ['north/self', 'north/two', 12_000_000]
    const script = `head -c ${size} /dev/urandom > /results/large`
    const id = await bed.create({ sites: ['north'], large: size, script })
    /** Cuts a step off halfway, and gives how many bytes it takes once it is tried again. */
    const again = async (step: 'ship' | 'pull', way: 'up' | 'down', begin: () => Promise<unknown>) => {
      const cut = road?.passed(way, size / 2).then(road.cut)
      await begin()
      await cut
      expect(reasonOf(await bed.until(id, failedAt(site, step, 1)), site, step)).toMatch(
        /The connection to 127\.0\.0\.1 broke while it was to copy .*Try again once it can be reached/s,
      )
      const before = road?.bytes()[way] ?? 0
      await bed.order('olga', id, 'retry', { part: site, step })
      await bed.until(id, bed.isAt(step, 'succeeded', site))
      return (road?.bytes()[way] ?? 0) - before
    }
    expect(await again('ship', 'up', () => bed.order('carol', id, 'initiate'))).toBeLessThan(0.6 * size)
    await bed.until(id, bed.isBuilt)
    await bed.toTestbed(id, node)
    await bed.order('olga', id, 'run')
    await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect(await again('pull', 'down', () => bed.order('olga', id, 'submit'))).toBeLessThan(0.85 * size)
    await bed.until(id, bed.isAt('upload', 'succeeded', site))
    const { folder } = bed.testbed()
    expect(altered(join(folder, 'portal/directories/carol', id, node))).toEqual([])
    const large = (path: string) => readFileSync(join(folder, path, 'large'))
    expect(large(`north/experiments/${id}`).equals(large(`portal/experiments/north/${id}`))).toBe(true)
  })
})
