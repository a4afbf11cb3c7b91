import { Command } from 'commander'
import { exitCode, fail } from './exit.ts'
import { helpVerb } from './help.ts'
import { withoutReader } from './print.ts'
import { verbs } from './verbs.ts'
import { version } from './version.ts'

const program = new Command('millrace')
  .description('Machine-learning work that crosses machines: every step a typed event on one durable log')
  .version(version())
  .exitOverride((stop) => process.exit(stop.exitCode === 0 ? exitCode.done : exitCode.usage))
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 broken, 2 usage or config, 3 refused, 4 nobody answers, 5 not there,\n6 what was waited for did not succeed, 130 ended by a signal',
  )

const [asked = ''] = process.argv.slice(2)
const named = Object.entries(verbs).filter(([name]) => name === asked)
const loaded = await Promise.all((named.length > 0 ? named : Object.entries(verbs)).map(([, load]) => load()))
for (const verb of [...loaded, helpVerb]) verb(program)
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
