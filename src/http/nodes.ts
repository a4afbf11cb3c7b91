import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { faults } from '#bus/fault'
import type { GraphNode } from '#contracts/pipeline'
import { queryOf } from '#contracts/subjects'
import type { ShownNode } from '#projections/graph-view'
import type { Page, Shown } from '#projections/view'
import { pageOf, pagePolicy } from './page.ts'
import { type App, positionHeader, type Site } from './site.ts'

/** What a node's page says, as HTML and as JSON. */
export type NodePage = {
  readonly node: ShownNode
  readonly after: readonly string[]
  readonly before: readonly string[]
  readonly artifacts: readonly Shown[]
  readonly attempts: readonly Shown[]
  /** A metadata store: the runs that it keeps. */
  readonly runs: readonly Shown[]
}

type Merged = { readonly nodes: readonly ShownNode[]; readonly edges: readonly Edge[] }
type Edge = { readonly source: string; readonly target: string; readonly kind: string }

/** How long another web process may take to say where it is, in milliseconds. */
const patience = 1_000

/** The parts that have a page here. */
export const partsOf = ({ graphs }: Pick<Site, 'graphs'>): readonly string[] =>
  graphs.flatMap(({ pipeline, nodes }) => nodes.map(({ name }) => `${pipeline}/${name}`))

/** A page for each node, at the address that users know: `/<node>`. Nodes of other hosts redirect there. */
export const addNodes = (app: App, site: Site): void => {
  const { bus, viewer } = site
  const own = partsOf(site)

  const merged = async (): Promise<{ readonly graph: Merged; readonly position: string }> => {
    const { value, position } = await viewer.ask('graph', {})
    return { graph: value as Merged, position }
  }
  const list = async (view: 'artifacts' | 'attempts' | 'runs', said: object): Promise<readonly Shown[]> =>
    ((await viewer.ask(view, { limit: 50, ...said })).value as Page).items

  const show = async (c: Context, part: string, { nodes, edges }: Merged, position: string): Promise<Response> => {
    const node = nodes.find((one) => one.part === part) ?? unseen(site, part)
    const kind = edges.filter((edge) => edge.kind === 'after')
    const page: NodePage = {
      node,
      after: kind.filter(({ target }) => target === part).map(({ source }) => source),
      before: kind.filter(({ source }) => source === part).map(({ target }) => target),
      artifacts: await list('artifacts', { node: part }),
      attempts: await list('attempts', { node: part }),
      runs: node.kind === 'metadata-store' ? await list('runs', { pipeline: node.pipeline }) : [],
    }
    c.header(positionHeader, position)
    c.header('Vary', 'Accept')
    if (!prefersHtml(c)) return c.json(page)
    c.header('Content-Security-Policy', pagePolicy)
    return c.html(pageOf(page, own))
  }

  /** The address of the process that has a pipeline's pages; undefined where it does not answer. */
  const webOf = async (pipeline: string): Promise<string | undefined> => {
    const asked = bus.request(queryOf('web', pipeline, bus.principal), {}, { timeout: patience })
    const { url } = (await asked.catch(() => ({}))) as { readonly url?: unknown }
    return typeof url === 'string' && /^https:\/\/[\w.:[\]-]+$/.test(url) ? url : undefined
  }

  app.get('/:node{[\\w-]+}', async (c) => {
    const name = c.req.param('node')
    const { graph, position } = await merged()
    const here = own.find((part) => part.endsWith(`/${name}`))
    if (here) return show(c, here, graph, position)
    const elsewhere = graph.nodes.find((node) => node.name === name)
    if (!elsewhere) throw faults.nothingThere(`node ${name}`)
    const url = await webOf(elsewhere.pipeline)
    if (!url) throw faults.nothingThere(`page of ${elsewhere.part} here, and no web process of ${elsewhere.pipeline}`)
    return c.redirect(`${url}/${name}`, 307)
  })

  app.get('/:node{[\\w-]+}/api/client', async (c) => {
    const name = c.req.param('node')
    const here = own.find((part) => part.endsWith(`/${name}`))
    const { graph, position } = await merged()
    const node = here ? (graph.nodes.find((one) => one.part === here) ?? unseen(site, here)) : undefined
    if (!node?.kind.endsWith('-client')) throw faults.nothingThere(`client ${name}`)
    const [pipeline = '', store = ''] = (node.of ?? '').split('/')
    const url = await webOf(pipeline)
    c.header(positionHeader, position)
    return c.json({ ...node, server: url ? `${url}/${store}` : null })
  })
}

/** A node of this process that the log does not know yet. */
const unseen = ({ graphs }: Pick<Site, 'graphs'>, part: string): ShownNode => {
  const [pipeline = '', name = ''] = part.split('/')
  const node = graphs.find((one) => one.pipeline === pipeline)?.nodes.find((one) => one.name === name) as GraphNode
  const { after: _, next: __, ...said } = node
  const still = { run: null, attempt: null, host: null, startedAt: null, endedAt: null }
  return { ...still, ...said, part, pipeline, state: 'waiting', reason: 'waiting for its host' } as ShownNode
}

const prefersHtml = (c: Context): boolean =>
  accepts(c, { header: 'Accept', supports: ['application/json', 'text/html'], default: 'application/json' }) ===
  'text/html'
