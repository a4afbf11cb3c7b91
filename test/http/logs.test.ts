import { expect, test } from 'vitest'
import type { Line } from '#bus/bus'
import { siteOf } from './site.ts'

const said = (text: string, level: Line['level'] = 'info'): Line => ({ at: 0, level, text })
const train = { scope: 'root', key: '0', part: 'root/retraining', attempt: 1, delivery: 1 }
const evaluate = { ...train, part: 'leaf/evaluation' }

const site = async () => {
  const one = await siteOf()
  const texts = async (query = '') => {
    const response = await one.get(`/api/runs/root/0/logs${query}`)
    const { lines } = (await response.json()) as { lines: { text: string }[] }
    return lines.map(({ text }) => text)
  }
  return { ...one, texts }
}

test('lines of a run are read with who printed them, of one node, one attempt, one level', async () => {
  const { bus, get, texts } = await site()
  await bus.print(train, [said('one'), said('two', 'error')])
  await bus.print(evaluate, [said('three')])
  await bus.print({ ...train, attempt: 2 }, [said('four')])
  await bus.print({ ...train, key: '1' }, [said('another run')])
  expect(await (await get('/api/runs/root/0/logs')).json()).toMatchObject({
    lines: [
      { at: '1970-01-01T00:00:00.000Z', level: 'info', text: 'one', part: 'root/retraining', attempt: 1, delivery: 1 },
      { text: 'two', level: 'error' },
      { text: 'three', part: 'leaf/evaluation' },
      { text: 'four', attempt: 2 },
    ],
    next: null,
  })
  expect(await texts('?node=root/retraining')).toEqual(['one', 'two', 'four'])
  expect(await texts('?node=root/retraining&attempt=2')).toEqual(['four'])
  expect(await texts('?level=warn')).toEqual(['two'])
  expect(await texts('?tail=2')).toEqual(['three', 'four'])
  expect(await texts('?tail=0')).toEqual([])
  const plain = await get('/api/runs/root/0/logs?tail=1', { Accept: 'text/plain' })
  expect(await plain.text()).toBe('1970-01-01T00:00:00.000Z info four\n')
})

test('many lines are read answer by answer', async () => {
  const { bus, get } = await site()
  for (let n = 0; n < 30; n++)
    await bus.print(
      train,
      Array.from({ length: 500 }, (_, at) => said(`${n * 500 + at}`)),
    )
  const found: string[] = []
  for (let next: number | null = 0; next !== null; ) {
    const page = (await (await get(`/api/runs/root/0/logs?after=${next}`)).json()) as {
      lines: { text: string }[]
      next: number | null
    }
    found.push(...page.lines.map(({ text }) => text))
    next = page.next
  }
  expect(found).toEqual(Array.from({ length: 15_000 }, (_, at) => `${at}`))
})

/** Reads a run's lines as they come. */
const opener =
  ({ app }: Pick<Awaited<ReturnType<typeof site>>, 'app'>) =>
  async (headers: Record<string, string> = {}, query = '') => {
    const leaving = new AbortController()
    const response = await app.request(
      new Request(`http://127.0.0.1/api/runs/root/0/logs${query}`, {
        headers: { Accept: 'text/event-stream', ...headers },
        signal: leaving.signal,
      }),
    )
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    const until = async (word: string): Promise<string> => {
      while (!text.includes(word)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`ended after ${text}`)
        text += new TextDecoder().decode(value)
      }
      return text
    }
    return { until, leave: () => reader.cancel() }
  }

test('a stream sends what there is and then what comes, and goes on where a reader had been', async () => {
  const { bus, app } = await site()
  const open = opener({ app })
  await bus.print(train, [said('one')])
  const first = await open()
  await first.until('"one"')
  await bus.print(train, [said('two')])
  const seen = await first.until('"two"')
  await first.leave()
  await bus.print(train, [said('three')])
  const id = /id: (\d+)\n(?![\s\S]*id: )/.exec(seen)?.[1] ?? ''
  const second = await open({ 'Last-Event-ID': id })
  expect(await second.until('"three"')).not.toMatch(/"one"|"two"/)
  await second.leave()
  const third = await open({}, '?tail=1')
  expect(await third.until('"three"')).not.toMatch(/"one"|"two"/)
  await bus.print(train, [said('four')])
  await third.until('"four"')
  await third.leave()
})

test('a stream that begins with no last line sends what comes alone, also to a reader who comes back', async () => {
  const { bus, app } = await site()
  const open = opener({ app })
  await bus.print(train, [said('one'), said('two')])
  const first = await open({}, '?tail=0')
  const begun = await first.until('event: live')
  await bus.print(train, [said('three')])
  expect(await first.until('"three"')).not.toMatch(/"one"|"two"/)
  await first.leave()
  const id = /id: (\d+)/.exec(begun)?.[1] ?? ''
  const second = await open({ 'Last-Event-ID': id }, '?tail=0')
  expect(await second.until('"three"')).not.toMatch(/"one"|"two"/)
  await second.leave()
})

test('a query that is none is told so, field by field', async () => {
  const { get } = await site()
  const response = await get('/api/runs/root/0/logs?tail=x&nod=y')
  expect(response.status).toBe(400)
  expect(await response.text()).toMatch(/tail.*nod|nod.*tail/)
})
