import { html } from 'hono/html'
import { keyLines, screens } from './console/key-list.ts'
import type { Html } from './page.ts'

/** The console's header on a page that the server writes; what needs the page's script is there once that has begun. */
export const header = (): Html => html`<header>
<a class="brand" href="/"><img src="/console/icon.svg" alt="" width="24" height="24">Millrace</a>
<nav aria-label="Screens">${screens.map(([key, to, screen]) => html`<a href="${to}" data-go="${key}">${screen}</a>`)}</nav>
<div class="header-end" hidden>
<output class="live" data-state="connecting">connecting</output>
<span class="position"></span>
<button type="button" class="quiet-button" id="show-keys" aria-label="Keys" title="Keys: ?">?</button>
<button type="button" class="quiet-button" id="turn-theme"><span class="visually-hidden">Colours: </span><span aria-hidden="true">◐ </span><span></span></button>
</div></header>`

/** The list of keys, until it is closed. Those of the log do nothing where there is none. */
export const keys = (): Html => html`<dialog id="keys" aria-label="Keys"><form method="dialog"><h2>Keys</h2>
<dl class="facts">${keyLines(screens).map(([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>
<button type="submit">Close</button></form></dialog>`
