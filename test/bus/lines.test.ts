import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Line } from '#bus/bus'
import { bodiesOf } from '#bus/lines'

const largest = 200
const text = fc.string({ unit: fc.constantFrom('x', '"', '\n', '\0', 'ü', '…', '😀', '\ud83d'), maxLength: 120 })
const lines: fc.Arbitrary<Line[]> = fc.array(
  fc.record(
    { at: fc.nat(), level: fc.constant('info' as const), text, more: fc.record({ k: text }) },
    {
      requiredKeys: ['at', 'level', 'text'],
    },
  ),
)
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

test('no message is longer than it may be, and all lines are in them, in order, whole or cut and marked', () => {
  fc.assert(
    fc.property(lines, (printed) => {
      const bodies = [...bodiesOf(printed, largest)]
      for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(largest)
      const read: Line[] = bodies.flatMap((body) => JSON.parse(body))
      expect(read).toHaveLength(printed.length)
      for (const [at, line] of printed.entries()) {
        if (sizeOf(line) <= largest - 2) expect(read[at]).toEqual(line)
        else expect(read[at]?.text.endsWith(' …') && line.text.startsWith(read[at].text.slice(0, -2))).toBe(true)
      }
    }),
  )
})

test('a message is filled before the next one begins', () => {
  const some = Array.from({ length: 50 }, (): Line => ({ at: 1, level: 'info', text: 'x' }))
  const bodies = [...bodiesOf(some, largest)]
  const full = bodies.slice(0, -1).map((body) => Buffer.byteLength(body))
  expect(Math.min(...full)).toBeGreaterThan(largest - sizeOf(some[0]) - 1)
})

test('a long text is cut no shorter than it must be', () => {
  for (const unit of ['x', '"', 'ü', '😀']) {
    const [body = ''] = bodiesOf([{ at: 1, level: 'info', text: unit.repeat(1000) }], largest)
    expect(Buffer.byteLength(body)).toBeGreaterThan(largest - 8)
  }
})
