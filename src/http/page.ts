import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { NodePage } from './nodes.ts'

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

const style = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
  h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
  .state { border: 1px solid; border-radius: 1em; padding: .1em .7em }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem } dt { opacity: .7 } dd { margin: 0 }
  table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8884 }
  td { overflow-wrap: anywhere } code { font-size: .85em }
`

/** What a page may do: show itself, with this one style. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

const layout = (title: string, body: Html): Html => html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>${raw(style)}</style></head>
<body>${body}</body></html>`

const row = (term: string, value: unknown): Html | '' =>
  value === null || value === undefined || value === '' ? '' : html`<dt>${term}</dt><dd>${value}</dd>`

const link = (part: string, own: readonly string[]): Html => {
  const [, node = part] = part.split('/')
  return own.includes(part) ? html`<a href="/${node}">${part}</a>` : html`${part}`
}

const table = (caption: string, heads: readonly string[], rows: readonly (readonly unknown[])[]): Html =>
  html`<h2>${caption}</h2>${
    rows.length === 0
      ? html`<p>None yet.</p>`
      : html`<table><thead><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell ?? ''}</td>`)}</tr>`)}</tbody></table>`
  }`

const contentOf = (store: string, path: string): Html => {
  const [pipeline, node] = store.split('/')
  return html`<a href="/api/artifacts/${pipeline}/${node}/content?path=${encodeURIComponent(path)}">${path}</a>`
}

const runLink = (run: unknown): Html | '' => (run ? html`<a href="/runs/${run}">${run}</a>` : '')

const runsOf = (runs: NodePage['runs']): Html =>
  table(
    'Runs',
    ['run', 'state', 'because of', 'started', 'ended'],
    runs.map((one) => [runLink(one.run), one.state, one.message, one.startedAt, one.endedAt]),
  )

const attemptsOf = (attempts: NodePage['attempts']): Html =>
  table(
    'Attempts',
    ['run', 'attempt', 'outcome', 'host', 'started', 'ended', 'reason'],
    attempts.map((one) => [
      runLink(one.run),
      one.attempt,
      one.outcome,
      one.host,
      one.startedAt,
      one.endedAt,
      one.reason ?? one.message,
    ]),
  )

const artifactsOf = (part: string, artifacts: NodePage['artifacts'], isClient: boolean): Html =>
  table(
    'Artifacts',
    ['path', 'state', 'run', 'size', 'SHA-256'],
    artifacts.map((one) => [
      isClient ? one.path : contentOf(part, String(one.path)),
      one.state,
      runLink(one.run),
      one.size,
      html`<code>${String(one.digest).slice(0, 12)}</code>`,
    ]),
  )

/** A node's page: what it is, how it stands, what it waits for, what it did. `own` are the parts with a page here. */
export const pageOf = (page: NodePage, own: readonly string[]): Html => {
  const { node, artifacts, attempts, runs } = page
  const isClient = node.kind.endsWith('-client')
  const joined = (parts: readonly string[]) =>
    parts.map((part, index) => html`${index > 0 ? ', ' : ''}${link(part, own)}`)
  return layout(
    node.part,
    html`<p><a href="/">Console</a></p>
<h1>${node.part} <span class="state">${node.state}</span></h1>
<dl>
${row('kind', node.kind)} ${row('does', node.description)} ${row('folder', node.path)}
${row('stands for', node.of && link(node.of, own))} ${row(node.state === 'waiting' ? 'waits' : 'because', node.reason)}
${row('last run', node.run && runLink(node.run))} ${row('host', node.host)}
${page.after.length > 0 ? row('after', joined(page.after)) : ''} ${page.before.length > 0 ? row('before', joined(page.before)) : ''}
${isClient ? row('client', html`<a href="/${node.name}/api/client">/${node.name}/api/client</a>`) : ''}
</dl>
${node.kind === 'action' ? attemptsOf(attempts) : ''}
${node.kind === 'metadata-store' ? runsOf(runs) : ''}
${node.kind.startsWith('filesystem') || node.kind === 'store-client' ? artifactsOf(node.part, artifacts, isClient) : ''}
<p><a href="/api/artifacts/history?node=${node.part}">History</a> · <a href="/openapi.json">API</a></p>`,
  )
}

/** The first page where no console has been built. */
export const startPage = (parts: readonly string[]): Html =>
  layout(
    'Millrace',
    html`<h1>Millrace</h1><p>The console is not built here. What can be read all the same:</p>
<ul>${parts.map((part) => html`<li>${link(part, parts)}</li>`)}</ul>
<ul>${['/api/graph', '/api/runs', '/api/artifacts', '/api/status', '/openapi.json', '/health', '/ready'].map(
      (path) => html`<li><a href="${path}">${path}</a></li>`,
    )}</ul>`,
  )
