import type { Command } from 'commander'
import { graphOf } from '#agents/pipelines/graph-of'
import { Fault } from '#bus/fault'
import { permissionsOf } from '#bus/permissions'
import { configOf } from '#bus/users'
import { knownPipelines } from '#client/known'
import { nameFrom, part, splitPart } from '#contracts/names'
import { nearest } from '#contracts/nearest'
import type { Graph } from '#contracts/pipeline'
import { readConfig } from './config.ts'
import type { Common } from './options.ts'
import { print, printRows } from './print.ts'
import { inSession, withSession } from './session.ts'
import { hostNameOf } from './state.ts'

type Options = Common & { readonly config?: string; readonly name?: string }

export const permissionsVerb = (program: Command): void => {
  withSession(program.command('permissions <agent>'))
    .description('print the least that a worker needs of NATS, as a piece of its configuration')
    .option('--config <file>', 'the config that defines the agent; its name alone will do then')
    .option('--name <name>', 'the host it runs on; by default <hostname>-<config>, or the agent')
    .addHelpText(
      'after',
      '\nExample:\n  millrace permissions root_pipeline/retraining --name gpu-1\n  millrace permissions root_pipeline    # lists its agents and stores',
    )
    .action(async (agent: string, options: Options) => {
      const { config, name, json = false } = options
      const graphs = config ? (await readConfig(config)).map((pipeline) => graphOf(pipeline)) : undefined
      const isPipeline = graphs ? graphs.some(({ pipeline }) => pipeline === agent) : !agent.includes('/')
      if (isPipeline && graphs) return list(agent, graphs, json)
      if (isPipeline)
        return inSession(options, async ({ bus }) => list(agent, [...(await knownPipelines(bus)).values()], json))
      const { pipeline, node, isStore } = config && graphs ? definedIn(config, graphs, agent) : named(agent)
      const permissions = permissionsOf({
        role: 'worker',
        principal: name ?? (config ? hostNameOf(config) : nameFrom(node)),
        pipeline,
        agents: isStore ? [] : [node],
        stores: isStore ? [node] : [],
      })
      print(json ? JSON.stringify(permissions) : configOf(permissions))
    })
}

const named = (agent: string) => {
  if (!part.safeParse(agent).success)
    throw new Fault('config.agent', `'${agent}' names no agent: use <pipeline>/<node>, or --config with the node alone`)
  return { ...splitPart(agent), isStore: false }
}

const nodesOf = (graphs: readonly Graph[]) =>
  graphs.flatMap(({ pipeline, nodes }) =>
    nodes.map(({ name: node, kind }) => ({
      agent: `${pipeline}/${node}`,
      pipeline,
      node,
      kind,
      isStore: kind !== 'action',
    })),
  )

/** Lists whose permissions of a pipeline can be printed. */
const list = (pipeline: string, graphs: readonly Graph[], json: boolean): void => {
  const known = graphs.map((graph) => graph.pipeline)
  if (!known.includes(pipeline))
    throw new Fault('config.agent', `Nobody has defined a pipeline ${pipeline}${nearest(pipeline, known)}`)
  const rows = nodesOf(graphs.filter((graph) => graph.pipeline === pipeline)).map(({ agent, kind }) => ({
    agent,
    kind,
  }))
  printRows(rows, ['agent', 'kind'], json)
}

/** The node of a config that is meant, whether it is named alone or with its pipeline. */
const definedIn = (config: string, graphs: readonly Graph[], wanted: string) => {
  const nodes = nodesOf(graphs)
  const found = nodes.find(({ agent, node }) => wanted === node || wanted === agent)
  if (found) return found
  const known = nodes.map(({ agent }) => agent)
  throw new Fault('config.agent', `${config} defines no ${wanted}${nearest(wanted, known)}`)
}
