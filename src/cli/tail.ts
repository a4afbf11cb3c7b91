import type { Command } from 'commander'
import type { Recorded } from '#contracts/envelope'
import { historyOf } from '#contracts/subjects'
import { printable } from './log.ts'
import type { Common } from './options.ts'
import { print } from './print.ts'
import { inSession, withSession } from './session.ts'

type Options = Common & {
  readonly from?: string
  readonly once?: boolean
  readonly type?: string
  readonly scope?: string
  readonly key?: string
}

export const tailVerb = (program: Command): void => {
  withSession(program.command('tail'))
    .description('print events as they are recorded')
    .option('--from <position>', 'begin after this position; `start` for the beginning of the log')
    .option('--once', 'end when the end of the log is reached')
    .option('--type <prefix>', 'only events whose type begins with this, for example run.')
    .option('--scope <name>', 'only events of this pipeline')
    .option('--key <key>', 'only events of this key, for example a run number')
    .addHelpText('after', '\nExample:\n  millrace tail --from start --once --type run. --json')
    .action((options: Options) =>
      inSession(
        options,
        async ({ bus, json, signal }) => {
          const head = await bus.head()
          const sequence = options.from ? sequenceIn(options.from) : head
          if (options.once && sequence >= head) return
          const end = new AbortController()
          await bus.follow(
            { logId: logIdIn(options.from) ?? bus.logId, sequence },
            ({ events, upTo }) => {
              for (const event of events)
                if (matches(event, options)) print(json ? JSON.stringify(event) : lineOf(event))
              if (options.once && upTo >= head) end.abort()
            },
            AbortSignal.any([signal, end.signal]),
          )
        },
        { patient: true },
      ),
    )
}

const matches = ({ type, address }: Recorded, { type: prefix, scope, key }: Options): boolean =>
  (!prefix || type.startsWith(prefix)) && (!scope || address.scope === scope) && (!key || address.key === key)

const lineOf = (event: Recorded): string =>
  printable(
    `${event.position.split('.').at(-1)} ${event.time} ${historyOf(event.address)} ${event.type} ${JSON.stringify(event.data)}`,
  )

const sequenceIn = (from: string): number => (from === 'start' ? 0 : Number(from.split('.').at(-1)))
const logIdIn = (from: string | undefined): string | undefined =>
  from?.includes('.') ? from.slice(0, from.lastIndexOf('.')) : undefined
