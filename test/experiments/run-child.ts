import { runExperiment } from '#agents/containers/control'
import { deliver } from './experiment.ts'

/** A process that runs an experiment, to be killed in the midst of it. It tells what it hears. */
const [root = '', host = '', trial = '', limits = '{}'] = process.argv.slice(2)
const more = {
  limits: JSON.parse(limits),
  say: (_: string, line: string, at: string) => console.log(`${at} ${line}`),
}
const { control } = deliver(root, host, JSON.parse(trial), more)
await runExperiment(control)
