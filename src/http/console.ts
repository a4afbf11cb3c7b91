import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import type { Context } from 'hono'
import { faults } from '#bus/fault'
import { builtAt, builtIn } from './built.ts'
import { partsOf } from './nodes.ts'
import { pagePolicy, startPage } from './page.ts'
import type { App, Site } from './site.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}

/** The console runs its own scripts and talks to this server; nothing else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'", // The graph is laid out in one.
  "style-src 'self'",
  "img-src 'self' blob:", // Previews of images.
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Serves the console under `/` and `/console/`; without one, a page that leads to the API. */
export const addConsole = (app: App, site: Pick<Site, 'graphs'>, folders: readonly string[] = builtAt): void => {
  const folder = builtIn(folders)

  const send = async (c: Context, root: string, path: string): Promise<Response> => {
    const file = normalize(join(root, path))
    if (!file.startsWith(normalize(root.endsWith(sep) ? root : root + sep))) throw faults.nothingThere(path)
    const found = await readFile(file).catch(() => undefined)
    // Any address within the console is a page of it; a file that is missing is missing.
    if (!found && extname(path) !== '') throw faults.nothingThere(path)
    const bytes = found ?? (await readFile(join(root, 'index.html')))
    const isNamedByContent = /(^|\/)assets\//.test(path) && found !== undefined
    return c.body(new Uint8Array(bytes), 200, {
      'Content-Type': (found ? types[extname(path)] : types['.html']) ?? 'application/octet-stream',
      'Content-Security-Policy': policy,
      'Cache-Control': isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
  }

  app.get('/', (c) => {
    if (folder) return send(c, folder, 'index.html')
    c.header('Content-Security-Policy', pagePolicy)
    return c.html(startPage(partsOf(site)))
  })
  // Addresses that the command line prints.
  app.get('/runs/*', async (c) => (folder ? send(c, folder, 'index.html') : c.redirect(`/api${c.req.path}`)))
  // A user's node of this name keeps its page.
  for (const page of ['hosts', 'experiments', 'inbox', 'sites', 'me'])
    app.get(`/${page}`, async (c, next) => {
      if (partsOf(site).some((part) => part.endsWith(`/${page}`))) return next()
      return folder ? send(c, folder, 'index.html') : c.redirect(`/api/${page}`)
    })
  app.get('/experiments/:experiment', async (c, next) => {
    if (site.graphs.some(({ pipeline }) => pipeline === 'experiments')) return next()
    return folder ? send(c, folder, 'index.html') : c.redirect(`/api${c.req.path}`)
  })
  app.get('/artifacts/*', async (c) => {
    if (folder) return send(c, folder, 'index.html')
    const node = c.req.path.slice('/artifacts/'.length)
    const said = new URLSearchParams({ ...(node && { node }), ...c.req.query() })
    return c.redirect(`/api/artifacts/history?${said}`)
  })
  app.get('/console/*', (c) => {
    if (!folder) throw faults.nothingThere('console here: it is not built')
    return send(c, folder, decoded(c.req.path.slice('/console/'.length)) || 'index.html')
  })
}

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    throw faults.nothingThere(path)
  }
}
