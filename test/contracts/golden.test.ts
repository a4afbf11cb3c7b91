import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { events, readEvent } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'

const folder = join(import.meta.dirname, 'golden')

/** An event as some version of this project once wrote it. */
const written = (type: string, version: number, data: unknown): Recorded => ({
  id: 'x-0',
  type,
  version,
  source: 'test',
  time: '2026-01-01T00:00:00.000Z',
  correlationId: 'x',
  causationId: 'x',
  principal: 'test',
  address: { aggregate: type.split('.')[0] ?? '', scope: 'root_pipeline', key: 'k' },
  sequence: 1,
  position: 'log.1',
  storedAt: 0,
  data,
})

const golden = readdirSync(folder).map((file) => {
  const [, type = '', version = ''] = /^(.+)\.(\d+)\.json$/.exec(file) ?? []
  return { type, version: Number(version), data: JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown }
})

describe('golden events', () => {
  test.each(golden)('$type of version $version is still understood', ({ type, version, data }) => {
    expect(readEvent(written(type, version, data))).toMatchObject({ kept: true })
  })

  test('there is one for every version of every event', () => {
    const expected = Object.entries(events).flatMap(([type, { version }]) =>
      Array.from({ length: version }, (_, index) => `${type} ${index + 1}`),
    )
    expect(golden.map(({ type, version }) => `${type} ${version}`).toSorted()).toEqual(expected.toSorted())
  })

  test("today's versions are read as they were written", () => {
    for (const { type, version, data } of golden) {
      const reading = readEvent(written(type, version, data))
      if (version === events[type as keyof typeof events].version)
        expect(reading.kept && reading.event.data).toEqual(data)
    }
  })

  test('a failure of version 1 is read as one that threw', () => {
    const first = golden.find(({ type, version }) => type === 'run.node-failed' && version === 1)
    const reading = readEvent(written('run.node-failed', 1, first?.data))
    expect(reading.kept && reading.event).toMatchObject({ version: 2, data: { how: 'errored', reason: 'no memory' } })
  })
})

describe('an event that is not understood', () => {
  const reasonFor = (type: string, version: number, data: unknown) => {
    const reading = readEvent(written(type, version, data))
    return reading.kept ? undefined : reading.reason
  }

  test('says why: an unknown type, a newer version, each wrong field with its path', () => {
    expect(reasonFor('run.exploded', 1, {})).toBe("no event is called 'run.exploded'")
    expect(reasonFor('run.succeeded', 7, {})).toContain('newer than the 1 known here')
    expect(reasonFor('pipeline.run-planned', 1, { run: -1, graph: 'x', trigger: {}, offers: [{}] })).toMatch(
      /run: .*; graph: .*; trigger\.kind: .*; .*offers\.0\.resource: /,
    )
  })

  test('is one that stands under another aggregate than its own', () => {
    const misplaced = {
      ...written('run.succeeded', 1, {}),
      address: { aggregate: 'pipeline', scope: 'p', key: 'self' },
    }
    expect(readEvent(misplaced)).toMatchObject({ kept: false })
  })
})
