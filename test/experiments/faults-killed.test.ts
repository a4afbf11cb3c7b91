import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Recorded } from '#contracts/envelope'
import { untilTold, withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { altered, countOf } from './seen.ts'

const engine = await engineForTests()

type HostName = 'portal' | 'north' | 'south' | 'three'

/** What is recorded when a part has come to a step, or to a phase of it. */
const comesTo =
  (part: string, step: string, phase?: string) =>
  ({ type, data }: Recorded): boolean => {
    const of = data as { readonly part?: string; readonly step?: string; readonly phase?: string }
    const isIt = of.part === part && of.step === step
    return isIt && (phase === undefined ? type === 'experiment.step-started' : of.phase === phase)
  }

describe.runIf(engine)('a host that is killed and started again', { timeout: 240_000 }, () => {
  if (!engine) return
  const bed = withTestbed(engine)

  /** Kills hosts at once as soon as something is recorded, and starts them again. */
  const killAt = async (id: string, happens: ReturnType<typeof comesTo>, ...names: readonly HostName[]) => {
    await bed.until(id, ({ events }) => events.some(happens))
    await Promise.all(names.map((name) => bed.testbed().hosts[name].kill()))
    await Promise.all(names.map((name) => bed.testbed().hosts[name].start()))
  }

  test('goes on at each step, and nothing is built, delivered or run a second time', async () => {
    const [two, three] = ['north/two', 'south/three']
    const id = await bed.create({
      sites: ['north', 'south'],
      script: untilTold,
      // A layer that takes a while to be made, and one that takes a while to be pushed.
      build: ['RUN sleep 1', 'RUN head -c 30000000 /dev/urandom > /large'],
    })
    for (const node of ['two', 'three']) bed.sense(node, 'wait')
    await bed.order('carol', id, 'initiate')
    await killAt(id, comesTo('portal/self', 'fetch'), 'portal')
    await killAt(id, comesTo('north/self', 'ship'), 'portal')
    await killAt(id, comesTo('north/self', 'build', 'instructing'), 'portal')
    await Promise.all([
      killAt(id, comesTo('north/self', 'build', 'building'), 'north').then(() =>
        killAt(id, comesTo('north/self', 'build', 'pushing'), 'north'),
      ),
      killAt(id, comesTo('south/self', 'build', 'pushing'), 'south'),
    ])
    await bed.until(id, bed.isBuilt)
    await bed.order('olga', id, 'move-to-testbed', { nodes: [two, three] })
    await killAt(id, comesTo(two, 'deliver'), 'north', 'south')
    await bed.until(id, bed.isAt('deliver', 'succeeded', two, three))
    await bed.order('olga', id, 'mark-ready')
    await bed.order('olga', id, 'run')
    await Promise.all([
      killAt(id, comesTo(two, 'run', 'running'), 'north'),
      killAt(id, comesTo(three, 'run', 'running'), 'three'),
    ])
    for (const node of ['two', 'three']) bed.sense(node, 'go')
    await Promise.all([
      killAt(id, comesTo(two, 'run', 'collecting'), 'north'),
      killAt(id, comesTo(three, 'run', 'collecting'), 'three'),
      killAt(id, comesTo(three, 'collect', 'collecting'), 'south'),
    ])
    await bed.until(id, bed.isAt('collect', 'succeeded', two, three))
    await bed.order('olga', id, 'submit')
    await killAt(id, comesTo('north/self', 'pull'), 'portal')
    await killAt(id, comesTo('north/self', 'upload'), 'portal')
    const seen = await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self', 'south/self'))

    expect(countOf(seen, 'step-failed')).toEqual({})
    expect(Object.values(countOf(seen, 'step-succeeded'))).toEqual(Array.from({ length: 17 }, () => 1))
    // What was under way when its host was killed was taken up again.
    const began = countOf(seen, 'step-started')
    for (const step of ['north/self build', 'north/two run', 'south/three run'])
      expect([step, (began[step] ?? 0) > 1]).toEqual([step, true])
    for (const steps of Object.values(seen.experiment.parts))
      for (const step of Object.values(steps)) expect(step).toMatchObject({ state: 'succeeded', try: 1 })
    expect(bed.started(id)).toBe(2)
    const { folder } = bed.testbed()
    for (const part of [two, three]) {
      const results = join(folder, 'portal/directories/carol', id, part)
      expect(altered(results)).toEqual([])
      expect(readFileSync(join(results, 'files/b.txt'), 'utf8')).toBe('two\n')
    }
    expect(await bed.left(id)).toEqual([])
    const drafts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.includes(id) && path.includes('draft'),
    )
    expect(drafts).toEqual([])
  })
})
