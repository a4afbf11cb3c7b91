import { Command } from 'commander'
import { agentVerb } from './agent.ts'
import { artifactsVerb } from './artifacts.ts'
import { certsVerb } from './certs.ts'
import { checkVerb } from './check.ts'
import { completionVerb } from './completion.ts'
import { deadVerb } from './dead.ts'
import { doctorVerb } from './doctor.ts'
import { exitCode, fail } from './exit.ts'
import { experimentVerb } from './experiments.ts'
import { helpVerb } from './help.ts'
import { version } from './hosting.ts'
import { initVerb } from './init.ts'
import { usedByVerb, whyVerb } from './lineage.ts'
import { natsVerb } from './nats.ts'
import { hostsVerb, statusVerb } from './overview.ts'
import { permissionsVerb } from './permissions.ts'
import { pipelinesVerb, requestsVerb } from './pipelines.ts'
import { withoutReader } from './print.ts'
import { projectionsVerb } from './projections.ts'
import { askVerb, publishVerb } from './publish.ts'
import { runsVerb } from './runs.ts'
import { controlModuleVerb, packageBuilderVerb } from './site-commands.ts'
import { tailVerb } from './tail.ts'
import { tokensVerb } from './tokens.ts'
import { metricsVerb, paramsVerb, tagsVerb } from './tracking.ts'
import { upVerb } from './up.ts'
import { webVerb } from './web.ts'

const program = new Command('millrace')
  .description('Machine-learning work that crosses machines: every step a typed event on one durable log')
  .version(version())
  .exitOverride((stop) => process.exit(stop.exitCode === 0 ? exitCode.done : exitCode.usage))
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 broken, 2 usage or config, 3 refused, 4 nobody answers, 5 not there,\n6 what was waited for did not succeed, 130 ended by a signal',
  )

for (const verb of [
  initVerb,
  checkVerb,
  upVerb,
  natsVerb,
  agentVerb,
  webVerb,
  publishVerb,
  askVerb,
  tailVerb,
  pipelinesVerb,
  runsVerb,
  requestsVerb,
  experimentVerb,
  packageBuilderVerb,
  controlModuleVerb,
  artifactsVerb,
  whyVerb,
  usedByVerb,
  metricsVerb,
  paramsVerb,
  tagsVerb,
  hostsVerb,
  statusVerb,
  deadVerb,
  projectionsVerb,
  doctorVerb,
  certsVerb,
  tokensVerb,
  permissionsVerb,
  completionVerb,
  helpVerb,
])
  verb(program)
// Only now, so that it is no rule for each verb as well: what stands behind a verb is for that verb to take apart.
program.enablePositionalOptions()

/** A mistake on the command line points to the help of the verb that it was made in. */
const pointToHelp = (command: Command, name: string): void => {
  command.showHelpAfterError(`See: ${name} --help`)
  for (const verb of command.commands) pointToHelp(verb, `${name} ${verb.name()}`)
}
pointToHelp(program, program.name())

for (const stream of [process.stdout, process.stderr]) stream.on('error', withoutReader)
await program.parseAsync().catch(fail)
process.exit() // The channel to `up`, and what a config has begun, would keep a process that is done.
