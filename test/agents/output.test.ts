import { expect, onTestFinished, test } from 'vitest'
import { openOutput } from '#agents/output'
import type { Line, Printed } from '#bus/bus'
import { Fault } from '#bus/fault'
import { memoryBus } from '#bus/memory'

const about = { scope: 'root', key: '3', part: 'root/train', attempt: 1, delivery: 1 }

/** Output onto a bus, and what was printed there. */
const printing = (print?: (lines: readonly Line[]) => Promise<void>) => {
  const bus = memoryBus()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const through = print && { print: (_: unknown, lines: readonly Line[]) => print(lines) }
  const output = openOutput({ bus: through ?? bus, about, signal: stop.signal })
  const printed = async (): Promise<Line[]> => {
    const printed: Printed[] = []
    const { signal } = stop
    await bus.printed(about, (some) => void printed.push(...some), { live: false, signal })
    return printed.flatMap(({ lines }) => lines)
  }
  return { bus, output, printed }
}

test('lines are printed in their order, with what was said beside them', async () => {
  const { output, printed } = printing()
  output.add('info', 'one', { epoch: 1n, odd: undefined })
  output.add('error', 'two')
  await output.end()
  expect(await printed()).toMatchObject([
    { level: 'info', text: 'one', more: { epoch: '1' } },
    { level: 'error', text: 'two' },
  ])
})

test('lines are printed while the execution goes on', async () => {
  const { output, printed } = printing()
  output.add('info', 'one')
  await expect.poll(printed).toHaveLength(1)
})

test('of 100 MB the beginning and the end are kept, what is left out is counted, and nobody waits', async () => {
  const { output, printed } = printing()
  const line = 'x'.repeat(1000)
  const began = performance.now()
  let shown = 0
  for (let n = 0; n < 100_000; n++) if (output.add('info', `${n} ${line}`)) shown++
  expect(performance.now() - began).toBeLessThan(5_000)
  await output.end()
  const lines = await printed()
  const gap = lines.findIndex(({ text }) => text.startsWith('…'))
  const dropped = Number(/\d+/.exec(lines[gap]?.text ?? '')?.[0])
  expect(gap).toBe(shown)
  expect(lines.length - 1 + dropped).toBe(100_000)
  expect(lines.at(-1)?.text).toMatch(/^99999 /)
  const kept = lines.reduce((size, { text }) => size + text.length, 0)
  expect(kept).toBeGreaterThan(7.5 * 1024 * 1024)
  expect(kept).toBeLessThan(9 * 1024 * 1024)
})

test('of many lines no more are kept than the bound allows, however short they are', async () => {
  const { output, printed } = printing()
  const began = performance.now()
  for (let n = 0; n < 1_000_000; n++) output.add('info', 'x')
  expect(performance.now() - began).toBeLessThan(10_000)
  await output.end()
  const lines = await printed()
  expect(lines.length).toBeGreaterThan(100_000)
  expect(lines.length).toBeLessThan(150_000)
  const dropped = Number(/\d+/.exec(lines.find(({ text }) => text.startsWith('…'))?.text ?? '')?.[0])
  expect(lines.length - 1 + dropped).toBe(1_000_000)
})

test('what is said beside a line counts as its text does: for what is kept, and for what goes out at once', async () => {
  const sizes: number[] = []
  const { output } = printing(async (lines) => void sizes.push(JSON.stringify(lines).length))
  for (let n = 0; n < 400; n++) output.add('info', 'x', { rows: 'x'.repeat(50_000) })
  await output.end()
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(9 * 1024 * 1024)
  expect(Math.max(...sizes)).toBeLessThan(128 * 1024)
})

test('while the bus is away lines wait, each once, and the end does not wait for ever', async () => {
  const got: string[] = []
  let away = true
  const { output } = printing(async (lines) => {
    if (away) throw new Fault('bus.timeout', 'nobody answers')
    got.push(...lines.map(({ text }) => text))
  })
  output.add('info', 'one')
  const began = performance.now()
  output.add('info', 'two')
  await output.end()
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(got).toEqual([])
  away = false
  await expect.poll(() => got, { timeout: 5_000 }).toEqual(['one', 'two'])
})
