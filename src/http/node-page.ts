import { html } from 'hono/html'
import type { ShownNode } from '#projections/graph-view'
import type { Shown } from '#projections/view'
import { kindOf, wordOf } from './console/states.ts'
import { durationOf, nameOf, sizeOf, visible, visibleLines, withMoments } from './console/text.ts'
import { type Html, layout, moment, pill, table } from './page.ts'

/** What a node's page says, as HTML and as JSON. */
export type NodePage = {
  readonly node: ShownNode
  readonly after: readonly string[]
  readonly before: readonly string[]
  readonly artifacts: readonly Shown[]
  readonly attempts: readonly Shown[]
  /** A client: what went through it. */
  readonly transfers: readonly Shown[]
  /** A metadata store: the runs that it keeps. */
  readonly runs: readonly Shown[]
}

const text = (value: unknown): string => (typeof value === 'string' ? visible(value) : '')
const runLink = ({ run }: Shown): Html | '' => (run ? html`<a href="/runs/${run}">${run}</a>` : '')
const size = (row: Shown): string => (typeof row.size === 'number' ? sizeOf(row.size) : '')
const digest = (row: Shown): Html | '' =>
  row.digest ? html`<code title="${row.digest}">${String(row.digest).slice(0, 12)}</code>` : ''

const file = ({ store, path }: Shown): Html =>
  html`<a class="file" href="/artifacts/${store}?path=${encodeURIComponent(String(path))}">${text(path)}</a>`

const bytes = ({ store, path, state }: Shown): Html | '' =>
  state === 'gone'
    ? ''
    : html`<a href="/api/artifacts/${store}/content?path=${encodeURIComponent(String(path))}">Download</a>`

/** Where something lies on its machine; broken behind a slash where it must be broken. */
const folder = (path: string): Html =>
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

const runsOf = ({ runs }: NodePage): Html =>
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

const attemptsOf = ({ attempts }: NodePage): Html =>
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
      { label: 'Said', of: (one) => said(one.reason ?? one.message), long: true },
    ],
    attempts,
  )

const said = (value: unknown): Html | '' =>
  typeof value === 'string' && value !== '' ? html`<pre>${visibleLines(value)}</pre>` : ''

const artifactsOf = ({ node, artifacts }: NodePage): Html =>
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

const transfersOf = ({ transfers, node }: NodePage): Html =>
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

/** A node's page: what it is, how it stands, what it waits for, what it did. `own` are the parts with a page here. */
export const pageOf = (page: NodePage, own: readonly string[]): Html => {
  const { node, after, before } = page
  const state = wordOf(node)
  const link = (part: string): Html =>
    own.includes(part) ? html`<a href="/${nameOf(part)}">${part}</a>` : html`<a href="/?node=${part}">${part}</a>`
  const linked = (parts: readonly string[]) =>
    parts.length > 0 && parts.map((part, index) => html`${index > 0 ? ', ' : ''}${link(part)}`)
  const isClient = node.kind.endsWith('-client')
  const isStore = node.kind.startsWith('filesystem')
  const client = `/${node.name}/api/client`
  const facts: readonly (readonly [string, unknown])[] = [
    ['Kind', kindOf(node).label],
    ['Does', node.description && visible(node.description)],
    ['Pipeline', node.pipeline],
    ['Host', node.host],
    [node.kind === 'metadata-store' ? 'Database' : 'Folder', node.path && folder(node.path)],
    ['Stands for', node.of && link(node.of)],
    ['After', linked(after)],
    ['Before', linked(before)],
    ['New files', node.fresh],
    ['Last run', node.run && runLink(node)],
    ['Client', isClient && html`<a href="${client}">${client}</a>`],
  ]
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
  return layout(
    node.part,
    html`<div class="page-head"><h1>${node.part}</h1>${pill(state)}</div>
${node.reason && node.reason !== state ? html`<pre class="reason">${visibleLines(withMoments(node.reason))}</pre>` : ''}
<dl class="facts">${known.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
${node.kind === 'action' ? attemptsOf(page) : ''}
${node.kind === 'metadata-store' ? runsOf(page) : ''}
${isStore ? artifactsOf(page) : ''}
${node.kind === 'store-client' ? transfersOf(page) : ''}
<p><a href="/?node=${node.part}">In the graph</a> · <a href="/api/artifacts/history?node=${node.part}">Its artifacts’ history (JSON)</a> · <a href="/openapi.json">API</a></p>`,
  )
}
