import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { Fault } from '#bus/fault'
import { exact } from '#contracts/fields'
import { type ResourceDefinition, resourceDefinition } from '#contracts/resource'
import { toYaml } from '../to-yaml.ts'
import { requirements } from './requirement.ts'
import { parseShaped } from './yaml-shape.ts'

/** How much a config may be, in bytes: two hundred long dependencies fit. */
const largest = 65_536

const config = exact({
  device: exact({ type: resourceDefinition.shape.nodeType, capabilities: resourceDefinition.shape.capabilities }),
  code: exact({ dependencies: requirements.default([]) }).default({ dependencies: [] }),
})

/** What an experiment's `config.yaml` says: what it runs on, and what its code needs. */
export type ExperimentConfig = z.output<typeof config>

const example = 'device: { type: Rover, capabilities: [lidar] }\ncode: { dependencies: [numpy] }'

/** Reads the `config.yaml` of a source. Rejects with a fault that says, for each mistake, its line and what was expected there. */
export const readConfig = async (source: string): Promise<ExperimentConfig> => {
  const path = join(source, 'config.yaml')
  const found = await lstat(path).catch(() => undefined)
  if (!found)
    throw new Fault('source.no-config', `The repository has no config.yaml. Put one there, such as:\n${example}`)
  if (!found.isFile()) throw new Fault('source.bad-config', 'config.yaml is no file. Put one there, and no link to one')
  if (found.size > largest)
    throw new Fault('source.bad-config', `config.yaml has ${found.size} bytes; expected at most ${largest}`)
  return parseConfig(await readFile(path))
}

/** The same of what the file holds. */
export const parseConfig = (bytes: Uint8Array): ExperimentConfig =>
  parseShaped(config, bytes, { name: 'config.yaml', code: 'source.bad-config', example, mostValues: 1_000 })

/** The `config.yaml` that is built from: its device is what was asked for, its code what the repository says. */
export const writeConfig = (
  { nodeType, capabilities }: Pick<ResourceDefinition, 'nodeType' | 'capabilities'>,
  { code }: Pick<ExperimentConfig, 'code'>,
): string => toYaml({ device: { type: nodeType, capabilities }, code })

/** Where the repository names another device than was asked for: a sentence for its user, as what was asked for counts. */
export const otherDevice = (
  { nodeType, capabilities }: Pick<ResourceDefinition, 'nodeType' | 'capabilities'>,
  { device }: Pick<ExperimentConfig, 'device'>,
): string | undefined => {
  const told = (type: string, all: readonly string[]) => [type, ...all.toSorted()].join(', ')
  const [asked, written] = [told(nodeType, capabilities), told(device.type, device.capabilities)]
  return asked === written
    ? undefined
    : `config.yaml names the device ${written}; the resource definition asks for ${asked}, which counts`
}
