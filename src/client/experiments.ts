import { randomInt } from 'node:crypto'
import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { foldOf } from '#contracts/all'
import type { CloudLink } from '#contracts/cloud-link'
import type { Recorded } from '#contracts/envelope'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { evolve, initial } from '#contracts/experiment-evolve'
import { addressOfExperiment, experimentId, portalPlace } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'
import { type Address, historyOf, serviceOf } from '#contracts/subjects'
import { askPortal } from './ask-portal.ts'

type Verb = ExperimentCommand['type'] extends `experiment.${infer Name}` ? Name : never
type DataOf<Name extends Verb> = Extract<ExperimentCommand, { type: `experiment.${Name}` }>['data']

/** An experiment, and everything that has happened to it. */
export type ExperimentSeen = { readonly experiment: KnownExperiment; readonly events: readonly Recorded[] }

/** Experiments: what they are, and what can be asked of them. A refusal is an answer, with the reason; nothing is recorded then. */
export type Experiments = {
  /** Makes an experiment in a project, under an id that is made here; `cloud` says where its results go, as `keepLink` takes it. */
  readonly create: (
    project: string,
    data: DataOf<'create'>,
    cloud?: string,
  ) => Promise<{ readonly id: string; readonly answer: Answer }>
  /** Asks something of an experiment, by the last word of the command: `initiate`, `run`, … */
  readonly order: <Name extends Verb>(id: string, verb: Name, data: Partial<DataOf<Name>>) => Promise<Answer>
  /**
   * Takes a cloud link as people write it (`s3://…`, `webdav+https://…`, a signed URL, `directory:…`), and gives it as a command has
   * it: the portal puts away what is secret of it, for this experiment alone.
   */
  readonly keepLink: (id: string, text: string) => Promise<CloudLink>
  /** An experiment as its history tells; a fault where there is none. */
  readonly get: (id: string) => Promise<ExperimentSeen>
  /** Hands on what happens to an experiment after a place in the log, until the signal aborts. */
  readonly follow: (
    id: string,
    after: number,
    handle: (events: readonly Recorded[]) => void,
    signal: AbortSignal,
  ) => Promise<void>
}

/** How often another id is tried where one is taken. */
const tries = 5

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

/** An id that hardly anybody else has made: what is behind its project is easily read aloud. */
const newId = (project: string): string =>
  `${project}-${Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('')}`

/** Where an experiment is decided; a fault where that can't be an id. */
export const addressOf = (id: string): Address => {
  if (experimentId.safeParse(id).success) return addressOfExperiment(id)
  throw new Fault('contract.broken', `'${id}' is no experiment: expected its id, as rover-7k2m9x`)
}

export const experimentsOf = (bus: Bus): Experiments => {
  const order: Experiments['order'] = (id, verb, data) =>
    askPortal(bus, { address: addressOf(id), type: `experiment.${verb}`, data })

  const keepLink: Experiments['keepLink'] = async (experiment, text) =>
    (await bus.request(serviceOf(portalPlace, 'cloud-links', 'keep', bus.principal), { experiment, text })) as CloudLink

  return {
    keepLink,
    create: async (project, data, cloud) => {
      for (let left = tries; ; left--) {
        const id = newId(project)
        const link = cloud === undefined ? {} : { cloudLink: await keepLink(id, cloud) }
        const answer = await order(id, 'create', { ...data, ...link })
        if (answer.accepted || answer.refusal !== 'taken' || left === 0) return { id, answer }
      }
    },
    order,
    get: async (id) => {
      const { events } = await bus.read(addressOf(id))
      const experiment = foldOf(evolve, initial, events)
      if (experiment.status === 'unknown') throw faults.nothingThere(`experiment ${id}. See: millrace experiment ls`)
      return { experiment, events }
    },
    follow: (id, after, handle, signal) => {
      const subject = historyOf(addressOf(id))
      return bus.follow(
        { logId: bus.logId, sequence: after },
        ({ events }) => Promise.resolve(handle(events)),
        signal,
        [subject],
      )
    },
  }
}
