/** A host that runs one function and hands on what it prints, until somebody kills it. */
import { join } from 'node:path'
import { openRunners } from '#agents/pipelines/runners'

const base = import.meta.dirname
const { signal } = new AbortController()
const runners = openRunners({ configPath: join(base, 'runners-config.ts'), base, pipeline: 'awkward' }, signal)
await runners.execute(
  { kind: 'run', node: 'blocks', run: { pipeline: 'awkward', number: 0, attempt: 1 }, inputs: {} },
  {
    call: async () => undefined,
    log: (_, message) => process.stdout.write(`${message}\n`),
    turned: () => undefined,
    signal,
  },
)
