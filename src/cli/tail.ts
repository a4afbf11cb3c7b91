import { type Command, InvalidArgumentError } from 'commander'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Recorded } from '#contracts/envelope'
import { count, logIdOf, position, sequenceOf } from '#contracts/names'
import { historyOf } from '#contracts/subjects'
import type { Common } from './options.ts'
import { fitting, print, timeOf } from './print.ts'
import { printable } from './printable.ts'
import { inSession, withSession } from './session.ts'

type Options = Common & {
  readonly from?: From
  readonly once?: boolean
  readonly type?: string
  readonly scope?: string
  readonly key?: string
}

export const tailVerb = (program: Command): void => {
  withSession(program.command('tail'))
    .description('print events as they are recorded')
    .option('--from <position>', 'begin after this position; `start` for the beginning of the log', fromIn)
    .option('--once', 'end when the end of the log is reached')
    .option('--type <prefix>', 'only events whose type begins with this, for example run.')
    .option('--scope <name>', 'only events of this pipeline')
    .option('--key <key>', 'only events of this key, for example a run number')
    .addHelpText('after', '\nExample:\n  millrace tail --from start --once --type run. --json')
    .action((options: Options) =>
      inSession(
        options,
        async ({ bus, client, json, signal }) => {
          const head = await bus.head()
          const from = `${bus.logId}.${options.from ? sequenceIn(options.from, bus, head) : head}`
          const tell = (event: Recorded): void => {
            if (!matches(event, options)) return
            print(json ? JSON.stringify(event) : fitting(lineOf(event), process.stdout.columns))
          }
          await client.follow(tell, signal, from, { once: options.once })
        },
        { patient: !options.once },
      ),
    )
}

const matches = ({ type, address }: Recorded, { type: prefix, scope, key }: Options): boolean =>
  (!prefix || type.startsWith(prefix)) && (!scope || address.scope === scope) && (!key || address.key === key)

const lineOf = (event: Recorded): string =>
  printable(
    `${event.sequence} ${timeOf(event.time)} ${historyOf(event.address)} ${event.type} ${JSON.stringify(event.data)}`,
  )

/** A place to begin at, as it was written: a position, or a sequence alone, which is one of whatever log there is. */
type From = { readonly text: string; readonly logId: string; readonly sequence: number }

const fromIn = (text: string): From => {
  if (text === 'start') return { text, logId: '', sequence: 0 }
  const sequence = sequenceOf(text)
  const isPosition = position.safeParse(text.includes('.') ? text : `log.${text}`).success
  if (!isPosition || !count.safeParse(sequence).success)
    throw new InvalidArgumentError('Expected a position, as an event has it, or start.')
  return { text, logId: logIdOf(text), sequence }
}

const sequenceIn = ({ text, logId, sequence }: From, bus: Bus, head: number): number => {
  if ((logId && logId !== bus.logId) || sequence > head) throw faults.foreignPosition(text, bus.logId)
  return sequence
}
