import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import type { Outbox } from '#bus/outbox'
import { patiently } from '#bus/patience'
import { foldOf, knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'
import { evolve, initial } from '#contracts/experiment-evolve'
import type { Experiment } from '#contracts/experiment-state'
import type { Preferences } from '#contracts/notification'
import type { Policy } from '#contracts/portal'
import type { Local } from '../local.ts'
import type { SendNotice } from './notice.ts'
import { type Due, type Kept, openNotices, type Way } from './notices-kept.ts'
import { readPreferences } from './person.ts'
import { sendNotices } from './send-notices.ts'
import { concerned, tellings } from './tellings.ts'

export type Notifying = {
  readonly bus: Bus
  /** The host under whose name it is said who was told; what it keeps on disk, and the outbox there. */
  readonly host: string
  readonly local: Local
  readonly outbox: Pick<Outbox, 'post'>
  /** Who is who; undefined as long as nobody has said so: then nobody is told. */
  readonly policy: () => Policy | undefined
  readonly ways: Partial<Readonly<Record<Way, SendNotice>>>
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void
  readonly signal: AbortSignal
  readonly now?: () => number
  /** For how long one notice is tried, in milliseconds. */
  readonly patience?: number
}

/** What was stored longer ago than that is told to nobody, in milliseconds: a notifier may begin with a log of years. */
const news = 3 * 24 * 3_600_000

/**
 * Tells people of what happens to experiments, until `signal` aborts. What is to be told is on disk before the log is followed on, so
 * it is told however often this host is killed; and known by its id, so that it is not told again. Mail and posts that a killed host
 * had sent without noting it go out once more, under the same id.
 */
export const notify = async ({ bus, host, local, outbox, policy, ways, log, signal, ...options }: Notifying) => {
  const { now = Date.now } = options
  const notices = openNotices(local)
  const ended = ({ notice, way, causedBy }: Due, reason?: string): void => {
    const { about, experiment, to, occasion, subject } = notice
    outbox.post({
      address: { aggregate: 'notification', scope: notice.project, key: host },
      type: reason === undefined ? 'notification.sent' : 'notification.failed',
      data: { experiment, about, to, way, occasion, subject, ...(reason !== undefined && { reason }) },
      causedBy,
    })
  }
  const sending = sendNotices({ notices, ways, ended, log, signal, ...options })

  const keep = async (recorded: Recorded): Promise<void> => {
    const rules = policy()
    if (!rules || recorded.address.aggregate !== 'experiment' || recorded.storedAt < now() - news) return
    const event = knownIn<ExperimentEvent>(recorded)
    const experiment = event && (await experimentAt(bus, recorded, signal))
    if (!event || !experiment || experiment.status === 'unknown') return
    const anybody = Object.fromEntries(
      concerned(experiment, recorded.address.scope, rules).map((who) => [who, everything] as const),
    )
    const meant = tellings(event, { experiment, people: anybody, policy: rules }).map(({ to }) => to)
    if (meant.length === 0) return // Of most events nobody is told: nobody is asked how, then.
    const people = Object.fromEntries(
      await Promise.all(
        [...new Set(meant)].map(
          async (who) => [who, await patiently(() => readPreferences(bus, who), signal)] as const,
        ),
      ),
    )
    const kept = tellings(event, { experiment, people, policy: rules }).flatMap((telling): Kept[] =>
      (['mail', 'webhook'] as const).flatMap((way) => {
        const address = people[telling.to]?.[way]
        if (address === undefined || !ways[way]) return []
        const id = `${recorded.id}.${telling.to}.${way}`
        const about = { about: recorded.id, at: recorded.storedAt, experiment: recorded.address.key }
        return [
          {
            notice: { id, ...about, project: recorded.address.scope, ...telling },
            way,
            address,
            causedBy: causeOf(recorded),
          },
        ]
      }),
    )
    notices.add(kept, now())
    if (kept.length > 0) sending.more()
  }
  const follow = async () => {
    try {
      const keepAll = async (events: readonly Recorded[]) => {
        for (const event of events) await keep(event)
      }
      await bus.react('notifier', ({ events }) => orAborted(keepAll(events), signal), signal)
    } catch (cause) {
      if (!signal.aborted) throw cause // What was not kept is given back, and kept at the next start.
    }
  }
  await Promise.all([follow(), sending.run()])
}

/** Whoever may want to hear of an event at all. */
const everything: Preferences = { occasions: ['waits-for-me', 'failed', 'finished', 'step'] }

const causeOf = ({ id, correlationId, traceparent }: Recorded) => ({
  ...{ id, correlationId },
  ...(traceparent !== undefined && { traceparent }),
})

/** An experiment as it was when an event had happened. */
const experimentAt = async (bus: Bus, { address, sequence }: Recorded, signal: AbortSignal): Promise<Experiment> => {
  const { events } = await patiently(() => bus.read(address), signal)
  return foldOf(
    evolve,
    initial,
    events.filter((one) => one.sequence <= sequence),
  )
}
