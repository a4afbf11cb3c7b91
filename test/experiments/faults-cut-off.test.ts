import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { slow } from '../processes.ts'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { layWire, type Wire } from './proxy.ts'
import { altered, countOf, eventually } from './seen.ts'

const engine = await engineForTests()

/** How long nodes are cut off, in milliseconds: in the long form for longer than work may go without a word. */
const away = slow ? 75_000 : 4_000

type North = {
  readonly nodes: { readonly two: { readonly ssh: { readonly port: number; readonly knownHosts: string } } }
}

describe.runIf(engine)('end nodes that are cut off while they run something', { timeout: 240_000 }, () => {
  if (!engine) return
  const wires: Record<string, Wire> = {}
  afterAll(async () => {
    for (const wire of Object.values(wires)) await wire.stop()
  })
  const bed = withTestbed(engine, {
    adjust: async (name, file) => {
      if (name !== 'north') return file
      const north = file as North
      const { ssh } = north.nodes.two
      const wire = await layWire(ssh.port)
      const { port } = wire
      wires.two = wire
      appendFileSync(ssh.knownHosts, readFileSync(ssh.knownHosts, 'utf8').replaceAll(`:${ssh.port} `, `:${port} `))
      return {
        ...north,
        nodes: { ...north.nodes, two: { ...north.nodes.two, ssh: { ...ssh, port, noticedWithin: 3 } } },
      }
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
})
