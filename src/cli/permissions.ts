import type { Command } from 'commander'
import { loadPipelines, nearest } from '#agents/pipelines/config'
import { Fault } from '#bus/fault'
import { permissionsOf } from '#bus/permissions'
import { configOf } from '#bus/users'
import { nameFrom, part, splitPart } from '#contracts/names'
import { print } from './print.ts'
import { hostNameOf } from './state.ts'

type Options = { readonly config?: string; readonly name?: string; readonly json?: boolean }

export const permissionsVerb = (program: Command): void => {
  program
    .command('permissions <agent>')
    .description('print the least that a worker needs of NATS, as a piece of its configuration')
    .option('--config <file>', 'the config that defines the agent; its name alone will do then')
    .option('--name <name>', 'the host it runs on; by default <hostname>-<config>, or the agent')
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', '\nExample:\n  millrace permissions root_pipeline/retraining --name gpu-1')
    .action(async (agent: string, { config, name, json }: Options) => {
      const { pipeline, node, isStore } = config ? await definedIn(config, agent) : named(agent)
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

/** The node of a config that is meant, whether it is named alone or with its pipeline. */
const definedIn = async (config: string, agent: string) => {
  const nodes = (await loadPipelines(config)).flatMap(({ name: pipeline, stores, actions }) => [
    ...Object.keys(stores).map((node) => ({ pipeline, node, isStore: true })),
    ...Object.keys(actions).map((node) => ({ pipeline, node, isStore: false })),
  ])
  const found = nodes.find(({ pipeline, node }) => agent === node || agent === `${pipeline}/${node}`)
  if (found) return found
  const known = nodes.map(({ pipeline, node }) => `${pipeline}/${node}`)
  throw new Fault('config.agent', `${config} defines no ${agent}${nearest(agent, known)}`)
}
