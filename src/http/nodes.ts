import type { Context } from 'hono'
import { faults } from '#bus/fault'
import { hint } from '#contracts/nearest'
import type { GraphNode } from '#contracts/pipeline'
import { queryOf } from '#contracts/subjects'
import type { ShownNode } from '#projections/graph-view'
import type { Page, Shown } from '#projections/view'
import { type NodePage, pageOf } from './node-page.ts'
import { pagePolicy, prefersHtml } from './page.ts'
import { type App, positionHeader, type Site } from './site.ts'

type Merged = { readonly nodes: readonly ShownNode[]; readonly edges: readonly Edge[] }
type Listed = 'artifacts' | 'attempts' | 'history' | 'runs' | 'metrics' | 'params' | 'tags'
type Edge = { readonly source: string; readonly target: string; readonly kind: string }

/** How long another web process may take to say where it is, in milliseconds. */
const patience = 1_000

/** Whatever somebody who takes a node for an API may send. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

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
  const list = async (view: Listed, said: object): Promise<readonly Shown[]> =>
    ((await viewer.ask(view, { limit: 50, ...said })).value as Page).items

  /** What a metadata store keeps: the runs of its pipeline, and what was noted of none of them. */
  const kept = async ({
    kind,
    pipeline,
  }: ShownNode): Promise<Pick<NodePage, 'runs' | 'metrics' | 'params' | 'tags'>> => {
    if (kind !== 'metadata-store') return { runs: [], metrics: [], params: [], tags: [] }
    const ofNone = { pipeline, run: 'none', order: 'desc' }
    return {
      runs: await list('runs', { pipeline }),
      metrics: await list('metrics', ofNone),
      params: await list('params', ofNone),
      tags: await list('tags', ofNone),
    }
  }

  const show = async (c: Context, part: string, { nodes, edges }: Merged, position: string): Promise<Response> => {
    const node = nodes.find((one) => one.part === part) ?? unseen(site, part)
    const kind = edges.filter((edge) => edge.kind === 'after')
    const page: NodePage = {
      node,
      after: kind.filter(({ target }) => target === part).map(({ source }) => source),
      before: kind.filter(({ source }) => source === part).map(({ target }) => target),
      artifacts: await list('artifacts', { node: part, sort: 'time' }),
      attempts: await list('attempts', { node: part }),
      transfers: isClient(node) ? await list('history', { node: part, order: 'desc' }) : [],
      ...(await kept(node)),
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

  /** The part that has its page here; one that only the log knows as well, where its pipeline is of this process. */
  const partHere = (name: string, { nodes }: Merged, of?: string): string | undefined =>
    own.find((part) => (of === undefined ? part.endsWith(`/${name}`) : part === `${of}/${name}`)) ??
    nodes.find(
      (node) =>
        node.name === name &&
        (of === undefined || node.pipeline === of) &&
        site.graphs.some(({ pipeline }) => pipeline === node.pipeline),
    )?.part

  app.get('/:node{[\\w-]+}', async (c) => {
    const name = c.req.param('node')
    const of = c.req.query('of') // Its pipeline, where more than one has a node of this name.
    const { graph, position } = await merged()
    const isOurs = of === undefined || site.graphs.some(({ pipeline }) => pipeline === of)
    const here = isOurs ? partHere(name, graph, of) : undefined
    if (here) return show(c, here, graph, position)
    const elsewhere = graph.nodes.find((node) => node.name === name && (of === undefined || node.pipeline === of))
    if (!elsewhere) throw faults.nothingThere(`node ${of === undefined ? name : `${of}/${name}`}`)
    const url = await webOf(elsewhere.pipeline)
    if (!url) throw faults.nothingThere(`page of ${elsewhere.part} here, and no web process of ${elsewhere.pipeline}`)
    return c.redirect(`${url}/${name}?of=${elsewhere.pipeline}`, 307)
  })

  // As a node is called everywhere, typed as an address.
  app.get('/:pipeline{[\\w-]+}/:node{[\\w-]+}', async (c, next) => {
    const { pipeline, node } = c.req.param()
    const { nodes } = (await merged()).graph
    const parts = [...own, ...nodes.map(({ part }) => part)]
    const isKnown = parts.some((part) => part.startsWith(`${pipeline}/`))
    if (!isKnown) return next()
    const part = `${pipeline}/${node}`
    if (!parts.includes(part)) throw faults.nothingThere(`node ${part}${hint(part, parts)}`)
    return c.redirect(`/${node}?of=${pipeline}`, 307)
  })

  app.on(methods, '/:node{[\\w-]+}/api/*', async (c) => {
    const { node: name, method, path } = { node: c.req.param('node'), method: c.req.method, path: c.req.path }
    const { graph, position } = await merged()
    const here = partHere(name, graph)
    const node =
      graph.nodes.find((one) => (here ? one.part === here : one.name === name)) ?? (here && unseen(site, here))
    if (!node) throw faults.nothingThere(`client ${name}`)
    if (!here) {
      const url = await webOf(node.pipeline)
      const where = url ? `, at ${url}${path}` : '; its web process does not answer'
      throw faults.nothingThere(`client ${name} here: it is of ${node.pipeline}${where}`)
    }
    if (!isClient(node))
      throw faults.nothingThere(`client ${name}: ${node.part} is no client, and has a page at /${name}`)
    if (path !== `/${name}/api/client` || !['GET', 'HEAD'].includes(method))
      throw faults.nothingThere(`${method} ${path}: a client answers to GET /${name}/api/client`)
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
  return { ...still, ...said, part, pipeline, state: 'host away', reason: 'no host has run it yet' } as ShownNode
}

const isClient = ({ kind }: Pick<ShownNode, 'kind'>): boolean => kind.endsWith('-client')
