import { expect } from 'vitest'
import { ask } from '#bus/command'
import { everyItem } from '#bus/pages'
import { scenario } from './stage.ts'

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

scenario(
  'metrics',
  ['root'],
  'ten thousand numbers from one action are all there, in their order, and do not hold it up; odd ones are kept',
  async (s) => {
    await s.begin()
    const address = { aggregate: 'pipeline', scope: 'root_pipeline', key: 'self' }
    await s.until('an owner', () => ask(s.bus, { address, type: 'pipeline.start', data: {} }).catch(() => undefined))
    await s.midway('web')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    const { items } = await s.ask<Rows>('nodes', { run: 0, node: 'root_pipeline/logs' })
    // One after the other, each stored before the next, they would take a minute.
    expect(Number(items[0]?.message)).toBeLessThan(10_000)
    const logged = (await everyItem((page) => s.ask('metrics', { key: 'loss', ...page }))) as {
      value: number
      step: number
    }[]
    expect(logged).toHaveLength(10_000)
    expect(logged.every(({ value, step }, at) => step === at && value === 1 / (at + 1))).toBe(true)
    const odd = await s.ask<Rows>('metrics', { key: 'odd' })
    expect(odd.items.map(({ value }) => value)).toEqual(['NaN', 'Infinity', '-Infinity', 0, 1e308])
  },
  { alone: true },
)
