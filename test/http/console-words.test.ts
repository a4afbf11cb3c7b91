import { expect, test } from 'vitest'
import { piecesOf, plain } from '../../src/http/console/ansi.ts'
import type { Noted, RunDetail } from '../../src/http/console/api.ts'
import { chartsOf, lastOf, saidOf } from '../../src/http/console/chart-data.ts'
import { blocksOf, frontMatterOf } from '../../src/http/console/markdown.ts'
import { policiesOf } from '../../src/http/console/node-policies.ts'
import { shellOf } from '../../src/http/console/shell.ts'
import { rowsOf, ticksOf, tickText } from '../../src/http/console/spans.ts'
import { wordOf } from '../../src/http/console/states.ts'
import { siteOf } from './site.ts'

test('colours of a terminal are kept apart from what is said, and all other sequences say nothing', () => {
  expect(piecesOf('\u001b[1;31mred\u001b[0m and \u001b[38;5;28mgreen\u001b[39m\u001b[2K\u001b]0;title\u0007!')).toEqual(
    [
      { text: 'red', manner: 'ansi-red ansi-bold' },
      { text: ' and ', manner: '' },
      { text: 'green', manner: 'ansi-green' },
      { text: '!', manner: '' },
    ],
  )
  expect(piecesOf('\u001b[38;2;255;30;30mx\u001b[48;5;1my')).toEqual([
    { text: 'x', manner: 'ansi-red' },
    { text: 'y', manner: 'ansi-red' },
  ])
  expect(plain('\u001b[32m<b>\u001b[0m')).toBe('<b>')
  expect(piecesOf('\u001b[999;m\u001b[')).toEqual([])
})

const noted = (value: unknown, step: number | null, more: Partial<Noted> = {}): Noted => {
  const at = new Date((step ?? 0) * 1000).toISOString()
  return { position: `l.${step}`, key: 'loss', value, step, part: 'lab/train', attempt: 1, principal: 'p', at, ...more }
}

test('a chart has a line for each attempt, keeps what is said twice, and loses nothing that is no number', () => {
  const points = [noted(1, 0), noted('NaN', 1), noted(2, 1), noted('-Infinity', 2), noted(3, 0, { attempt: 2 })]
  const { charts, single } = chartsOf([...points, noted(7, 0, { key: 'alone' })])
  const [chart] = charts
  expect(single.map(({ key }) => key)).toEqual(['alone'])
  expect(chart?.series.map(({ label }) => label)).toEqual(['train', 'train, attempt 2'])
  expect(chart?.data).toEqual([
    [0, 1, 1, 2],
    [1, null, 2, null],
    [3, undefined, undefined, undefined],
  ])
  expect(chart && saidOf(chart)).toBe('No number: NaN at step 1 (train), -Infinity at step 2 (train).')
  expect([0, 1].map((series) => chart && lastOf(chart, series))).toEqual(['-Infinity', 3])
  const [timed] = chartsOf([noted(1, null), noted(2, 5)]).charts
  expect(timed?.over).toBe('time')
})

test('Markdown becomes data, in which HTML and addresses that are none are text', () => {
  expect(frontMatterOf('---\nlicense: mit\n---\n\n# Hello')).toEqual({ front: 'license: mit', body: '\n# Hello' })
  expect(
    blocksOf('# A `b`\n\n<script>x</script>\n\n- one\n  more\n- [bad](javascript:alert(1))\n\n|a|b|\n|-|-|\n|1|2|'),
  ).toEqual([
    {
      kind: 'heading',
      depth: 1,
      inside: [
        { kind: 'text', text: 'A ' },
        { kind: 'code', text: 'b' },
      ],
    },
    { kind: 'paragraph', inside: [{ kind: 'text', text: '<script>x</script>' }] },
    {
      kind: 'list',
      ordered: false,
      items: [[{ kind: 'text', text: 'one more' }], [{ kind: 'text', text: '[bad](javascript:alert(1))' }]],
    },
    {
      kind: 'table',
      rows: [
        [[{ kind: 'text', text: 'a' }], [{ kind: 'text', text: 'b' }]],
        [[{ kind: 'text', text: '1' }], [{ kind: 'text', text: '2' }]],
      ],
    },
  ])
  for (const text of ['```\nnever ended', '|', '> ', '-', '#', '***', '|\n|-', '1.\n  x', '\t- x', '[a](b'])
    expect(blocksOf(text)).toBeInstanceOf(Array)
})

test('words are those of people: states, policies, moments of an axis, command lines', () => {
  const state = (of: string, kind = 'action') => wordOf({ kind, state: of })
  expect(['cleaning-up', 'waiting', 'queued'].map((of) => state(of))).toEqual(['cleaning up', 'waiting', 'queued'])
  expect(state('waiting', 'unknown')).toBe('waiting')
  expect(state('waiting', 'metadata-store')).toBe('waiting for a metric')
  expect(state('waiting', 'filesystem-store')).toBe('waiting for files')
  expect(state('succeeded', 'filesystem-store')).toBe(undefined)
  const retry = { times: 2, delay: 1_000, factor: 2, most: 60_000 }
  expect(policiesOf({ kind: 'action', join: 'any', retry, timeout: 3_600_000, concurrency: 4 })).toEqual([
    ['Starts', 'once one before it has succeeded'],
    ['Retries', 'up to 2, after 1\u00a0s, each time 2 × as long, 1\u00a0min at most'],
    ['Timeout', '1\u00a0h'],
    ['At once', '4 executions'],
  ])
  expect(ticksOf(34_000, 8)).toEqual([0, 5_000, 10_000, 15_000, 20_000, 25_000, 30_000])
  expect([0, 50, 2_000, 90_000, 7_260_000].map(tickText)).toEqual(['0', '50 ms', '2 s', '1 min 30 s', '2 h 1 min'])
  expect(shellOf(['runs', 'rerun', 'lab/3'], { from: ['lab/a', 'lab/b'], failed: undefined, definition: 'old' })).toBe(
    'millrace runs rerun lab/3 --from lab/a lab/b --definition old',
  )
  expect(shellOf(['runs', 'cancel', 'lab/3'], { reason: "it's $HOME" })).toBe(
    "millrace runs cancel lab/3 --reason 'it'\\''s $HOME'",
  )
})

test('what is executed again within its attempt is one stretch of work, with a mark and the reason', () => {
  const part = 'lab/train'
  const execution = { part, attempt: 1, outcome: 'superseded', reason: 'lab-1 was started again' }
  const attempts = [
    { ...execution, delivery: 1, endedAt: '2026-01-01T00:00:05.000Z' },
    { ...execution, delivery: 2, outcome: 'succeeded', reason: null, endedAt: '2026-01-01T00:00:09.000Z' },
  ]
  const run = { nodes: [{ part, kind: 'action', state: 'succeeded', reused: null }], attempts, artifacts: [] }
  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`
  const span = { part, state: 'running' as const, reason: null, attempt: 1, host: 'lab-1' }
  const spans = [
    { ...span, from: at(1), to: at(5) },
    { ...span, from: at(5), to: at(9) },
  ]
  const [row] = rowsOf(run as unknown as RunDetail, spans)
  expect(row?.bars).toMatchObject([{ phase: 'running', from: Date.parse(at(1)), to: Date.parse(at(9)) }])
  expect(row?.again).toEqual([{ at: Date.parse(at(5)), reason: 'lab-1 was started again' }])
})

test('a log is a text file of every line that is meant, however many there are', async () => {
  const { bus, get } = await siteOf()
  const train = { scope: 'root', key: '0', part: 'root/retraining', attempt: 1, delivery: 1 }
  for (let n = 0; n < 30; n++)
    await bus.print(
      train,
      Array.from({ length: 500 }, (_, at) => ({ at: 0, level: 'info' as const, text: `${n * 500 + at}` })),
    )
  await bus.print({ ...train, part: 'root/other' }, [{ at: 0, level: 'error', text: 'not this' }])
  const response = await get('/api/runs/root/0/logs/text?node=root/retraining')
  expect(response.headers.get('Content-Type')).toMatch('text/plain')
  expect(response.headers.get('Content-Disposition')).toBe('attachment; filename="root-0-retraining.log"')
  const lines = (await response.text()).trimEnd().split('\n')
  expect([lines.length, lines.at(-1)]).toEqual([15_000, '1970-01-01T00:00:00.000Z info 14999'])
  expect((await get('/api/runs/root/0/logs/text?tail=3')).status).toBe(400)
})
