import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { builtAt, builtIn, styleSheets } from './built.ts'
import { momentOf } from './console/text.ts'
import { header, keys } from './page-frame.ts'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** For whoever has not built the console, whose style the pages have otherwise. */
const style = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { margin: 0 auto; max-width: 75rem; padding: 1rem } main { overflow-wrap: anywhere }
  h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
  nav a { margin-right: 1rem } .skip { display: none }
  .pill { border: 1px solid; border-radius: 1em; padding: .1em .7em }
  dl > div { display: grid; grid-template-columns: 7rem 1fr; gap: 1rem } dt { opacity: .7 } dd { margin: 0 }
  .table-box { overflow-x: auto } table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8884 }
  .short, thead th { white-space: nowrap } code { font-size: .85em } pre { white-space: pre-wrap }
`

/**
 * What a page may do: show itself in its own style or the console's, with the one script that the console lends it, and
 * hear from this server that something has changed.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Whether whoever asks is a browser that wants a page, and no program. */
export const prefersHtml = (c: Context): boolean =>
  accepts(c, { header: 'Accept', supports: ['application/json', 'text/html'], default: 'application/json' }) ===
  'text/html'

/** A page in the console's frame. */
export const layout = (title: string, body: Html, folders: readonly string[] = builtAt): Html => {
  const folder = builtIn(folders)
  const look = folder
    ? html`<link rel="icon" href="/console/icon.svg" type="image/svg+xml"><script src="/console/page.js"></script>
${styleSheets(folder).map((href) => html`<link rel="stylesheet" href="${href}">`)}`
    : html`<style>${raw(style)}</style>`
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title} · Millrace</title>${look}</head>
<body><a class="skip" href="#main">Skip to content</a>
${folder ? header() : html`<header><nav><a href="/">First page</a></nav></header>`}
<main id="main" tabindex="-1">${body}</main>${folder ? keys() : ''}</body></html>`
}

/** A moment as people here write it, exact to whoever points at it. */
export const moment = (at: unknown): Html | '' =>
  typeof at === 'string' ? html`<time datetime="${at}" title="${at}">${momentOf(at)}</time>` : ''

/** A state, in its own words. */
export const pill = (state: string): Html =>
  html`<span class="pill" data-state="${state.startsWith('waiting') ? 'waiting' : words(state)}">${words(state)}</span>`

/** The API joins words; people read them apart. */
const words = (state: string): string => state.replaceAll('-', ' ')

export type Column<Row> = {
  readonly label: string
  readonly of: (row: Row) => unknown
  /** Its cells stay on one line. */
  readonly short?: boolean
  /** Its words may be of any length. */
  readonly long?: boolean
}

const isNothing = (said: unknown): boolean => said === undefined || said === null || said === ''

/**
 * Rows under headings; where there are none, a sentence that says why. A column without anything in it is left out. On a
 * narrow screen each row is a list of its own.
 */
export const table = <Row>(
  caption: string,
  none: unknown,
  [first, ...more]: readonly [Column<Row>, ...Column<Row>[]],
  rows: readonly Row[],
): Html => {
  if (rows.length === 0) return html`<h2>${caption}</h2><p class="quiet">${none}</p>`
  const others = more.filter(({ of }) => rows.some((row) => !isNothing(of(row))))
  const cell = (row: Row, { label, of, short, long }: Column<Row>): Html => {
    const said = of(row)
    const how = short ? 'short' : long ? 'long' : ''
    return isNothing(said) ? html`<td></td>` : html`<td data-label="${label}" class="${how}">${said}</td>`
  }
  return html`<h2>${caption}</h2><div class="table-box"><table class="stacking">
<thead><tr>${[first, ...others].map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr><th scope="row">${first.of(row) ?? ''}</th>${others.map((column) => cell(row, column))}</tr>`,
  )}</tbody></table></div>`
}

/** The answer to a browser where something went wrong, with a way back. */
export const problemPage = (title: string, detail: string): Html =>
  layout(
    title,
    html`<div class="page-head"><h1>${title}</h1></div>
<p class="note">${detail}${/[.?!]$/.test(detail) ? '' : '.'} <a href="/">All pipelines, with their nodes</a></p>`,
  )

/** The first page where no console has been built. */
export const startPage = (parts: readonly string[]): Html =>
  layout(
    'Millrace',
    html`<h1>Millrace</h1><p>The console is not built here. What can be read all the same:</p>
<ul>${parts.map((part) => html`<li><a href="/${part.split('/')[1]}">${part}</a></li>`)}</ul>
<ul>${['/api/graph', '/api/runs', '/api/artifacts', '/api/status', '/openapi.json', '/health', '/ready'].map(
      (path) => html`<li><a href="${path}">${path}</a></li>`,
    )}</ul>`,
    [],
  )
