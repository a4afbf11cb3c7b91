import { join } from 'node:path'
import { Fault } from '#bus/fault'
import { placeOfPart } from '#contracts/experiment-parts'
import type { Machine } from '../machines/machine.ts'
import type { Bundles } from './bundle.ts'
import { bringResults, checkResults } from './check-results.ts'
import { resultsAt, resultsOn } from './places-of.ts'
import type { SiteConfig } from './site-config.ts'
import { sparsely } from './sparsely.ts'
import type { TakeStep } from './take-steps.ts'

type Collecting = {
  readonly config: SiteConfig
  readonly bundles: Bundles
  /** The end node; undefined where it has no ssh. */
  readonly machine?: Machine | undefined
  /** Whether the end node runs an agent of its own: else its results were taken here right away. */
  readonly hasAgent: boolean
}

/** Brings what a run has left on an end node to the site server, and holds it against its manifest. */
export const collectStep =
  ({ config, bundles, machine, hasAgent }: Collecting): TakeStep =>
  async ({ id, step, experiment, say, run, phase, signal }) => {
    const { node = '' } = placeOfPart(step.part)
    const of = experiment.parts[step.part]?.run
    if (!of?.results) throw new Fault('step.missing', `The run of ${step.part} has left nothing`)
    const { attempt, run: number = of.run ?? 1 } = step
    const into = join(config.experiments, id, resultsAt(node, attempt, number))
    phase('collecting')
    const { bundle } = of.results
    if (bundle !== undefined) {
      say(`Out of the bucket of ${of.host}: ${bundle}`)
      const bring = () => bundles.get({ host: of.host, bundle }, into, signal)
      await bringResults(into, of.results, { from: `the bucket of ${of.host}`, bring })
    } else if (hasAgent && machine) {
      const from = join(config.nodes[node]?.folder ?? '~', id, resultsOn(attempt, number))
      const bring = () => machine.fetch(from, into, { exact: true, progress: sparsely(say), ran: run, signal })
      await bringResults(into, of.results, { from: `${from} at ${step.part}`, bring })
    } else await checkResults(into, of.results)
    say(`${of.results.files} files, ${of.results.bytes} bytes, each as its manifest says`)
    if (config.transport === 'ssh') return { step: 'collect' }
    return { step: 'collect', bundle: await bundles.put(into, { signal }) }
  }
