/** What a user imports: `import { pipeline, filesystemStore } from 'millrace'` in a config, `connect` in a script. */
export * from '#agents/millrace'
export type * from '#client/connect'

/**
 * Connects a script to the bus. Loaded when it is called: a config imports this file in every process that executes a node,
 * and needs none of it.
 */
export const connect: typeof import('#client/connect').connect = async (options) =>
  (await import('#client/connect')).connect(options)
