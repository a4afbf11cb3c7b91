import { html } from 'hono/html'
import type { ShownNode } from '#projections/graph-view'
import type { Shown } from '#projections/view'
import { policiesOf } from './console/node-policies.ts'
import { keepsFiles, kindOf, wordOf } from './console/states.ts'
import { nameOf, visible, visibleLines, withMoments } from './console/text.ts'
import { artifactsOf, attemptsOf, folder, notedOf, runLink, runsOf, transfersOf } from './node-tables.ts'
import { type Html, layout, moment, pill } from './page.ts'

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
  /** And what was noted of its pipeline and of no run, newest first. */
  readonly metrics: readonly Shown[]
  readonly params: readonly Shown[]
  readonly tags: readonly Shown[]
}

/** A node's page: what it is, how it stands, what it waits for, what it did. `own` are the parts with a page here. */
export const pageOf = (page: NodePage, own: readonly string[]): Html => {
  const { node, after, before } = page
  const state = wordOf(node)
  const link = (part: string): Html =>
    own.includes(part) ? html`<a href="/${nameOf(part)}">${part}</a>` : html`<a href="/?node=${part}">${part}</a>`
  const linked = (parts: readonly string[]) =>
    parts.length > 0 && parts.map((part, index) => html`${index > 0 ? ', ' : ''}${link(part)}`)
  const isClient = node.kind.endsWith('-client')
  const isStore = keepsFiles(node)
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
    ...policiesOf(node),
    ['Tried again', node.dueAt && moment(node.dueAt)],
    ['New files', node.fresh],
    ['Last run', node.run && runLink(node)],
    ['Client', isClient && html`<a href="${client}">${client}</a>`],
  ]
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
  return layout(
    node.part,
    html`<div class="page-head"><h1>${node.part}</h1>${state ? pill(state) : ''}</div>
${node.reason && node.reason !== state ? html`<pre class="reason">${visibleLines(withMoments(node.reason))}</pre>` : ''}
<dl class="facts">${known.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
${node.kind === 'action' ? attemptsOf(page) : ''}
${node.kind === 'metadata-store' ? html`${runsOf(page)}${notedOf(page)}` : ''}
${isStore ? artifactsOf(page) : ''}
${node.kind === 'store-client' ? transfersOf(page) : ''}
<p><a href="/?node=${node.part}">In the graph</a> · <a href="/api/artifacts/history?node=${node.part}">Its artifacts’ history (JSON)</a> · <a href="/openapi.json">API</a></p>`,
  )
}
