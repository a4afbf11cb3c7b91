import { html } from 'hono/html'
import type { Shown } from '#projections/view'
import { durationOf, nameOf, sizeOf, unbroken, valueText, visible, visibleLines } from './console/text.ts'
import type { NodePage } from './node-page.ts'
import { type Html, moment, pill, table } from './page.ts'

const text = (value: unknown): string => (typeof value === 'string' ? visible(value) : '')
export const runLink = ({ run }: Shown): Html | '' => (run ? html`<a href="/runs/${run}">${run}</a>` : '')
const size = (row: Shown): string => (typeof row.size === 'number' ? sizeOf(row.size) : '')
const log = ({ run, part, attempt }: Shown): Html =>
  html`<a href="/runs/${run}/logs?node=${part}&attempt=${attempt}">log</a>`
const digest = (row: Shown): Html | '' =>
  row.digest ? html`<code title="${row.digest}">${String(row.digest).slice(0, 12)}</code>` : ''

const file = ({ store, path }: Shown): Html =>
  html`<a class="file" href="/artifacts/${store}?path=${encodeURIComponent(String(path))}">${text(path)}</a>`

const bytes = ({ store, path, state }: Shown): Html | '' =>
  state === 'gone'
    ? ''
    : html`<a href="/api/artifacts/${store}/content?path=${encodeURIComponent(String(path))}">Download</a>`

/** Where something lies on its machine; broken behind a slash where it must be broken. */
export const folder = (path: string): Html =>
  html`<code>${visible(path)
    .split('/')
    .map((step, index) => (index > 0 ? html`/<wbr>${step}` : step))}</code>`

const took = ({ startedAt, endedAt }: Shown): string =>
  endedAt ? durationOf(Date.parse(String(endedAt)) - Date.parse(String(startedAt))) : 'not ended yet'

const started = { label: 'Started', of: (one: Shown) => moment(one.startedAt), short: true }
const when = { label: 'When', of: (one: Shown) => moment(one.at), short: true }
const run = { label: 'Run', of: runLink }
const digested = { label: 'SHA-256', of: digest, short: true }
const sized = { label: 'Size', of: size, short: true }

/** The runs that a metadata store keeps. */
export const runsOf = ({ runs }: NodePage): Html =>
  table(
    'Runs',
    'None yet.',
    [
      run,
      { label: 'State', of: (one) => pill(String(one.state)), short: true },
      { label: 'Because of', of: (one) => text(one.message), long: true },
      started,
      { label: 'Took', of: took, short: true },
    ],
    runs,
  )

/** What was noted of no run: nothing where there is none, as pages of runs have what most pipelines note. */
export const notedOf = ({ metrics, params, tags }: NodePage): readonly Html[] =>
  [
    { title: 'Metrics', rows: metrics },
    { title: 'Params', rows: params },
    { title: 'Tags', rows: tags },
  ]
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) =>
      table(
        `${title} outside of runs`,
        '',
        [
          { label: 'Name', of: (one) => text(one.key), long: true },
          { label: 'Value', of: (one) => valueText(one.value), long: true },
          { label: 'Step', of: (one) => one.step, short: true },
          { label: 'By', of: (one) => (one.part ? nameOf(String(one.part)) : text(one.principal)) },
          when,
        ],
        rows,
      ),
    )

/** What an action was executed, and how it went. */
export const attemptsOf = ({ attempts }: NodePage): Html =>
  table(
    'Attempts',
    'None yet: it has not been executed.',
    [
      run,
      { label: 'Attempt', of: (one) => one.attempt, short: true },
      { label: 'Outcome', of: (one) => pill(String(one.outcome)), short: true },
      { label: 'Host', of: (one) => one.host },
      started,
      { label: 'Took', of: took, short: true },
      { label: 'Log', of: log, short: true },
      { label: 'Said', of: (one) => said(one.reason ?? one.message), long: true },
    ],
    attempts,
  )

const said = (value: unknown): Html | '' =>
  typeof value === 'string' && value !== '' ? html`<pre>${unbroken(visibleLines(value))}</pre>` : ''

/** What lies in a store. */
export const artifactsOf = ({ node, artifacts }: NodePage): Html =>
  table(
    'Artifacts',
    node.watch
      ? html`None yet: drop a file into ${folder(node.path ?? '')}`
      : 'None yet: what actions save here, and what other pipelines upload.',
    [
      { label: 'File', of: file },
      { label: 'State', of: (one) => one.state, short: true },
      run,
      sized,
      when,
      digested,
      { label: 'Bytes', of: bytes, short: true },
    ],
    artifacts,
  )

/** What went through a client. */
export const transfersOf = ({ transfers, node }: NodePage): Html =>
  table(
    'What went through it',
    html`Nothing yet: no action has transferred a file from or to ${node.of}.`,
    [
      { label: 'File', of: file },
      { label: 'What', of: (one) => one.what, short: true },
      { label: 'By', of: (one) => (one.part ? nameOf(String(one.part)) : one.principal) },
      run,
      sized,
      when,
      digested,
    ],
    transfers,
  )
