import { dirname } from 'node:path'
import type { Pipeline } from '#agents/pipelines/shape'
import { obstacleTo } from '#bus/make-folder'

/** The stores of a pipeline whose folders could not be made on this machine; another one, which keeps the store, may. */
export const hinderedFolders = ({ name, stores }: Pipeline): readonly string[] =>
  Object.entries(stores).flatMap(([node, one]) => {
    if (!('path' in one)) return []
    const folder = one.kind === 'metadata-store' ? dirname(one.path) : one.path
    const obstacle = obstacleTo(folder)
    return obstacle === undefined ? [] : [`${name}/${node} could not have its folder ${folder} here: ${obstacle}`]
  })
