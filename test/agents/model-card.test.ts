import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readModelCard, writeModelCard } from '#agents/pipelines/model-card'
import { Fault } from '#bus/fault'

type Given = Parameters<typeof writeModelCard>[0]
/** What no type would let through. */
const wrong = (given: unknown) => given as Given

const results = [
  {
    task: { type: 'tabular-classification', name: 'Classification' },
    dataset: { type: 'iris', name: 'Iris', config: 'plain', split: 'test', revision: 'abc', args: { shots: 5 } },
    metrics: [
      { type: 'accuracy', value: 0.97, name: 'a|b', verified: true, verifyToken: 'token', args: { top: 1 } },
      { type: 'wer', value: '20.0 ± 1.2', config: 'plain' },
    ],
    source: { name: 'here', url: 'https://example.org' },
  },
]
const card = {
  language: ['no', 'en'],
  license: 'other',
  license_name: 'ours-1.0',
  license_link: 'LICENSE',
  library_name: 'scikit-learn',
  pipeline_tag: 'tabular-classification',
  tags: ['flowers'],
  datasets: ['iris'],
  metrics: 'accuracy',
  base_model: ['a/b'],
  base_model_relation: 'finetune',
  thumbnail: 'https://example.org/a.png',
  inference: { parameters: { temperature: 1e-7 } },
  widget: [{ text: 'long ago' }],
  co2_eq_emissions: { emissions: 2.5, source: 'a meter', hours_used: 3 },
  'model-index': [{ name: 'iris-net', results }],
  ours: { deep: [1, null, 'on', { yes: '1:30' }] },
} satisfies Given

/** A card of which one result is changed. */
const withResult = (change: (result: Record<string, Record<string, unknown>>) => void) => {
  const result = structuredClone(results[0])
  change(wrong(result) as never)
  return wrong({ 'model-index': [{ name: 'a', results: [result] }] })
}
const front = (yaml: string) => `---\n${yaml}\n---\n`

test('what is written is read again', () => {
  const text = writeModelCard({ ...card, title: 'Iris', body: '\n---\nA body\r\n' })
  expect(readModelCard(text)).toEqual({ metadata: card, body: '# Iris\n\n\n---\nA body\r\n' })
  expect(readModelCard(writeModelCard({}))).toMatchObject({ metadata: {} })
})

test('without a body, the metadata is told for people', () => {
  const { body } = readModelCard(writeModelCard({ ...card, title: 'Two\nlines' }))
  expect(body).toMatch(/^# Two lines\n\n## Model description\n/)
  expect(body).toContain('- Library: scikit-learn\n')
  expect(body).toContain('- License: ours-1.0\n')
  expect(body).toContain('## Training\n\n- Datasets: iris\n- Emissions, in grams of CO2: 2.5\n')
  expect(body).toContain('| Classification | Iris, plain, test | a\\|b | 0.97 |\n')
  expect(readModelCard(writeModelCard({ 'model-index': card['model-index'] })).body).toMatch(/^# iris-net\n/)
  expect(readModelCard(writeModelCard({})).body).toContain('Not evaluated yet.')
})

test.each([
  ['task.type', withResult(({ task }) => delete task?.type)],
  ['dataset.type', withResult(({ dataset }) => delete dataset?.type)],
  ['dataset.name', withResult(({ dataset }) => delete dataset?.name)],
  ['metrics.0.type', withResult(({ metrics }) => delete (metrics?.[0] as { type?: string }).type)],
  ['metrics.0.value', withResult(({ metrics }) => delete (metrics?.[0] as { value?: number }).value)],
  ['source.url', withResult(({ source }) => delete source?.url)],
  ['task', withResult((result) => delete result.task)],
  ['dataset', withResult((result) => delete result.dataset)],
  ['metrics', withResult((result) => delete result.metrics)],
])('a result without %s is refused', (field, given) => {
  expect(() => writeModelCard(given)).toThrow(`model-index.0.results.0.${field}: is missing`)
})

test('one fault lists every mistake, and whoever asked over HTTP gets each field', () => {
  const given = wrong({ licence: 'mit', tags: 5, model_index: [], 'model-index': [{ results: [] }] })
  const fault = (() => {
    try {
      return writeModelCard(given)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(fault).toMatchObject({ code: 'card.invalid' })
  const fields = ((fault as Fault).cause as { path: string[] }[]).map(({ path }) => path.join())
  expect(fields.toSorted()).toEqual(['licence', 'model-index.0.name', 'model_index', 'tags'])
  expect((fault as Fault).message).toContain("licence: no field is called so; did you mean 'license'?")
  expect((fault as Fault).message).toContain("model_index: no field is called so; did you mean 'model-index'?")
  expect((fault as Fault).message).toContain('The model card has 4 mistakes:\n')
})

test.each([
  [{ license: 1 }, 'license: expected text'],
  [{ widget: 'a' }, 'widget: expected array'],
  [{ inference: 'yes' }, 'inference: expected true, false or an object'],
  [{ base_model_relation: 'child' }, 'base_model_relation: Invalid option: expected one of "adapter"'],
  [{ co2_eq_emissions: 'much' }, 'co2_eq_emissions: expected grams'],
  [
    withResult(({ metrics }) => Object.assign(metrics?.[0] ?? {}, { valeu: 1 })),
    "valeu: no field is called so; did you mean 'value'",
  ],
  [{ ours: new Date(0) }, 'ours: expected an object of plain fields, found a Date'],
  [{ ours: [Number.NaN] }, 'ours.0: expected a value that can be written, found NaN'],
  [{ ours: '\ud800' }, 'ours: the text holds half a character'],
  [{ body: 'a'.repeat(1_048_576) }, 'expected 1048576 at most'],
  [{ ours: 'a'.repeat(262_144) }, 'expected 262144 at most'],
])('%# is refused: %j', (given, message) => {
  expect(() => writeModelCard(wrong(given))).toThrow(message)
})

test.each(['task', 'model_type', 'extra_gated_prompt', 'arxiv'])('%s is a key of somebody else, and allowed', (key) => {
  expect(readModelCard(front(`${key}: a`)).metadata).toEqual({ [key]: 'a' })
})

test('what a reader of YAML 1.1 would take for something else is quoted, and numbers stay numbers to it', () => {
  const text = writeModelCard({ ours: ['no', '1:30', '2024-01-01', '=', 'a\tb', 'a\n', '\u2028', '\x7f', 1e-7, -2e30] })
  expect(
    text
      .split('\n')
      .slice(2, 12)
      .map((line) => line.trim().slice(2)),
  ).toEqual([
    '"no"',
    '"1:30"',
    '"2024-01-01"',
    '"="',
    '"a\\tb"',
    '"a\\n"',
    '"\\u2028"',
    '"\\u007f"',
    '1.0e-7',
    '-2.0e+30',
  ])
})

test('what others write is read: a byte order mark, Windows lines, empty values, Norwegian, a few aliases', () => {
  const text = '\ufeff---\r\nlanguage: no\r\nthumbnail:\r\ntags: &tags [a]\r\ndatasets: *tags\r\n---  \r\n\r\nBody\r\n'
  expect(readModelCard(text)).toEqual({ metadata: { language: 'no', tags: ['a'], datasets: ['a'] }, body: 'Body\r\n' })
})

test.each([
  ['no front matter', 'front matter: is missing'],
  ['---\nlicense: mit\n', 'front matter: is missing'],
  [front('- a'), 'expected object'],
  [front('license: mit\ntags: ['), 'line 3: '],
  [front('license: mit\nlicense: other'), 'license: is there twice'],
  [front('a: !ours b'), 'line 2: Unresolved tag'],
  [front('? [a]\n: b'), 'line 2: '],
  [front('__proto__: { polluted: true }'), '__proto__: no field may be called so'],
  [front('a: [{ "__proto__": { polluted: true } }]'), 'a.0.__proto__: no field may be called so'],
  ['a'.repeat(1_048_577), 'size: 1048577 bytes; expected 1048576 at most'],
])('%# is refused in reading', (text, message) => {
  expect(() => readModelCard(text)).toThrow(message)
  expect(Object.prototype).not.toHaveProperty('polluted')
})

test('a bomb of aliases is refused, and so are objects that share their parts, or hold themselves', () => {
  const layers = Array.from({ length: 9 }, (_, layer) => {
    const refs = Array(9).fill(`*a${layer}`).join(', ')
    return `a${layer + 1}: &a${layer + 1} [${refs}]`
  })
  expect(() => readModelCard(front(`a0: &a0 [x]\n${layers.join('\n')}`))).toThrow(/front matter: Excessive alias count/)
  const shared = Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 'x')
  const circular: { self?: unknown } = {}
  circular.self = circular
  for (const ours of [shared, circular]) expect(() => writeModelCard({ ours })).toThrow(/too deep, or too much/)
})

test.each(['}', '&a ', '[', '{a: ', '? \n', 'a: "x\n', '*a '])('front matter full of %j is refused soon', (part) => {
  expect(() => readModelCard(front(part.repeat(262_000 / part.length)))).toThrow(Fault)
})

/** Texts that readers of YAML take for something else. */
const odd = fc.constantFrom('no', '~', '', '=', '<<', '1:30', '2024-01-01', '0o7', '1e5', '.inf', '---', '...', '- a')
const text = fc.oneof(
  odd,
  fc.string({ unit: 'binary' }),
  fc.constantFrom('#', 'a: b', 'a\n---\nb', 'a\n\n', '\t', '\r'),
)
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    // A field may not be called __proto__: that can't be written.
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
})).value

test('whatever can be written can be read, and says the same', () => {
  const given = fc.record(
    { license: text, tags: fc.array(text), body: text, ours: json, 'odd key: #': json },
    { requiredKeys: ['body'] },
  )
  fc.assert(
    fc.property(given, ({ body, ...metadata }) => {
      const said = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null))
      expect(readModelCard(writeModelCard({ ...metadata, body }))).toEqual({ metadata: said, body })
    }),
    { numRuns: 500 },
  )
})
