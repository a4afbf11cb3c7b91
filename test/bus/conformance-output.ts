import { describe, expect, test } from 'vitest'
import type { Bus, Line, Output, Printed } from '#bus/bus'
import type { Printers } from '#contracts/subjects'
import { fresh, type Open, until, withConnections } from './samples.ts'

/** What work prints, and reading it. */
export const keepsOutput = (open: Open) =>
  describe('output', () => {
    const { connect, run } = withConnections(open)

    test('comes back in order, with the execution that printed it', async () => {
      const bus = await connect()
      const first = executionOf(fresh())
      const again = { ...first, attempt: 2, delivery: 3, step: 'build' }
      const lines: Line[] = [
        { at: 1, level: 'debug', text: 'ä \n "' },
        { at: 2.5, level: 'error', text: '', more: { loss: 0.5, of: { deep: [null] } } },
      ]
      await bus.print(first, lines)
      await bus.print(again, saying('again'))
      await bus.print(first, saying('late'))
      const got = await readAll(bus, first)
      expect(got.map(({ place, ...rest }) => rest)).toEqual([
        { ...first, lines },
        { ...again, lines: saying('again') },
        { ...first, lines: saying('late') },
      ])
      expect(placesOf(got)).toEqual(placesOf(got).toSorted((a, b) => a - b))
    })

    test('is read on from where a reader stopped', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      for (const text of ['one', 'two', 'three']) await bus.print(of, saying(text))
      const all = await readAll(bus, of)
      expect(await readAll(bus, of, all[0]?.place)).toEqual(all.slice(1))
      expect(await readAll(bus, of, all[2]?.place)).toEqual([])
    })

    test('reaches whoever waits for it as it is printed, what was there before first', async () => {
      const [printer, reader] = [await connect(), await connect()]
      const of = executionOf(fresh())
      await printer.print(of, saying('before'))
      const got: Printed[] = []
      const read = run((signal) => reader.printed(of, (some) => got.push(...some), { live: true, signal }))
      await until(() => expect(textsOf(got)).toEqual(['before']))
      await printer.print(of, saying('later'))
      await until(() => expect(textsOf(got)).toEqual(['before', 'later']))
      await printer.print(of, saying('latest'))
      await until(() => expect(textsOf(got)).toEqual(['before', 'later', 'latest']))
      await read.stop()
      await printer.print(of, saying('unheard'))
      expect(got).toHaveLength(3)
    })

    test('ends with what was there when it was asked for', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      expect(await readAll(bus, of)).toEqual([])
      for (let n = 0; n < 200; n++) await bus.print(of, saying(String(n)))
      const got: Printed[] = []
      const printMore = async (some: readonly Printed[]) => {
        got.push(...some)
        await bus.print(of, saying('more'))
      }
      await read(bus, of, printMore)
      expect(textsOf(got)).toEqual(Array.from({ length: 200 }, (_, n) => String(n)))
    })

    test('of other aggregates and of other parts is not mixed in', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      const others = [
        { ...of, key: '170' },
        { ...of, scope: fresh() },
        { ...of, part: 'leaf/evaluate' },
        { ...of, part: 'root/eval' },
      ]
      for (const one of [of, ...others]) await bus.print(one, saying(`${one.key} ${one.part}`))
      const { scope, key, part } = of
      expect(textsOf(await readAll(bus, { scope, key, part }))).toEqual(['17 leaf/eval'])
      const whole = ['17 leaf/eval', '17 leaf/evaluate', '17 root/eval']
      expect(textsOf(await readAll(bus, { scope, key }))).toEqual(whole)
    })

    test('of no lines is nothing, and of no part or a part with too many names is refused', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      await bus.print(of, [])
      expect(await readAll(bus, of)).toEqual([])
      for (const part of ['eval', 'a/b/c', 'a/*', ''])
        await expect(bus.print({ ...of, part }, saying('no'))).rejects.toThrow(TypeError)
      await expect(readAll(bus, { ...of, key: '>' })).rejects.toThrow(TypeError)
    })

    test('of one line that is too long for a message is cut, and says so', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      const at = 1
      const more = { step: 3 }
      await bus.print(of, [
        { at, level: 'info', text: 'x'.repeat(1_000_000), more },
        { at, level: 'info', text: '😀"\n'.repeat(300_000) },
        { at, level: 'info', text: 'short', more: { long: 'x'.repeat(1_000_000) } },
        ...saying('next'),
      ])
      const [plain, odd, beside, next] = linesOf(await readAll(bus, of))
      expect(plain?.text).toMatch(/^x{250000,262144} …$/)
      expect(plain?.more).toEqual(more)
      expect(odd?.text).toMatch(/^(?:😀"\n)+(?:😀"?)? …$/u)
      expect(odd?.text.length).toBeGreaterThan(120_000)
      expect(beside).toEqual({ at, level: 'info', text: 'short …' })
      expect([next]).toEqual(saying('next'))
    })

    test('that could not be read again is refused', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      const self: { self?: unknown } = {}
      self.self = self
      const wrong = [
        { at: Number.NaN },
        { level: 'loud' },
        { text: 1 },
        { more: 'x' },
        { more: self },
        { more: { n: 1n } },
      ]
      for (const one of wrong) {
        const lines = [...saying('good'), { ...saying('bad')[0], ...one } as Line]
        await expect(bus.print(of, lines)).rejects.toMatchObject({ code: 'contract.broken' })
      }
      expect(await readAll(bus, of)).toEqual([])
    })

    test('of 5000 lines arrives whole, in messages of bounded length', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      const lines = Array.from({ length: 5000 }, (_, n) => saying(`${n} ${'ü'.repeat(n % 300)}`)).flat()
      await bus.print(of, lines)
      const got = await readAll(bus, of)
      expect(linesOf(got)).toEqual(lines)
      const sizes = got.map((printed) => Buffer.byteLength(JSON.stringify(printed.lines)))
      expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024)
      expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(250 * 1024)
    })

    test('comes in batches no faster than they are handled, and ends with what the handler throws', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      for (let n = 0; n < 150; n++) await bus.print(of, saying(String(n)))
      const sizes: number[] = []
      let handling = 0
      await read(bus, of, async (some) => {
        expect(++handling).toBe(1)
        await new Promise(setImmediate)
        sizes.push(some.length)
        handling--
      })
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(150)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(64)
      await expect(read(bus, of, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    })

    test('that ends before the place from which it is to go on is refused', async () => {
      const bus = await connect()
      const of = executionOf(fresh())
      for (const live of [true, false]) {
        const { ended } = run((signal) => bus.printed(of, () => undefined, { after: 1e9, live, signal }))
        await expect(ended).rejects.toMatchObject({ code: 'log.shorter' })
      }
    })

    test('is not what an examination writes', async () => {
      const bus = await connect()
      expect(await bus.examine()).toMatchObject({ write: { stored: true } })
      expect(await readAll(bus, { scope: 'doctor', key: 'probe' })).toEqual([])
    })
  })

/** An execution of one part of a run that no other test prints in. */
export const executionOf = (scope: string): Output => ({
  scope,
  key: '17',
  part: 'leaf/eval',
  attempt: 1,
  delivery: 1,
})

export const saying = (text: string): Line[] => [{ at: 1_700_000_000_000, level: 'info', text }]

export const read = (bus: Bus, of: Printers, handle: (some: readonly Printed[]) => unknown, after?: number) => {
  const { scope, key, part } = of
  return bus.printed({ scope, key, part }, handle, { after, live: false, signal: new AbortController().signal })
}

/** What one part has printed by now, or the whole aggregate. */
export const readAll = async (bus: Bus, of: Printers, after?: number): Promise<Printed[]> => {
  const got: Printed[] = []
  await read(bus, of, (some) => got.push(...some), after)
  return got
}

export const linesOf = (printed: readonly Printed[]): Line[] => printed.flatMap(({ lines }) => lines)
export const textsOf = (printed: readonly Printed[]): string[] => linesOf(printed).map(({ text }) => text)
const placesOf = (printed: readonly Printed[]): number[] => printed.map(({ place }) => place)
