import type { ExperimentEvent } from './experiment.ts'
import { placeOfPart, type StepName } from './experiment-parts.ts'
import type { KnownExperiment } from './experiment-state.ts'

/** Who has done something, when (milliseconds since 1970), and in which order: clocks of several machines tell no order. */
export type Deed = { readonly who: string; readonly at: number; readonly order: number }

/** What somebody has asked of an experiment, by what they did and to which part of it. */
export const deed = {
  approval: 'approval',
  initiate: 'initiate',
  terminate: 'terminate',
  cancel: 'cancel',
  archive: 'archive',
  move: (site: string) => `move ${site}`,
  ready: (site: string) => `ready ${site}`,
  run: (site: string) => `run ${site}`,
  submit: (site: string) => `submit ${site}`,
  retry: (part: string, step: StepName, tries: number) => `retry ${part} ${step} ${tries}`,
} as const

/** What has happened, with who asked for it and when the log has stored it. */
export type Told = ExperimentEvent & { readonly principal: string; readonly storedAt: number }

/** Who has done what, once an event has happened; `before` is what it happened to. What was done in an attempt ends with it; an approval holds on. */
export const deedsAfter = (before: KnownExperiment, event: Told): KnownExperiment['deeds'] => {
  const { deeds } = before
  const done = (...names: readonly string[]) => {
    const order = 1 + Math.max(0, ...Object.values(deeds).map((earlier) => earlier.order))
    const one: Deed = { who: event.principal, at: event.storedAt, order }
    return Object.fromEntries(names.map((name) => [name, one]))
  }
  switch (event.type) {
    case 'experiment.approved':
    case 'experiment.declined':
      return { ...deeds, ...done(deed.approval) }
    case 'experiment.development-initiated':
      return { ...only(deeds, deed.approval), ...done(deed.initiate) }
    case 'experiment.terminated':
      return { ...only(deeds, deed.approval), ...done(deed.terminate) }
    case 'experiment.moved-to-testbed':
      return { ...deeds, ...done(...sitesOf(event.data.nodes).map(deed.move)) }
    case 'experiment.marked-ready':
      return { ...deeds, ...done(...event.data.sites.map(deed.ready)) }
    case 'experiment.run-begun':
      return { ...without(deeds, deed.cancel), ...done(...sitesOf(event.data.nodes).map(deed.run)) }
    case 'experiment.run-cancel-begun':
      return { ...deeds, ...done(deed.cancel) }
    case 'experiment.step-cancelled': {
      // What was told to stop says itself that it did.
      const { part, step } = event.data
      return before.parts[part]?.[step]?.stopping === undefined ? { ...deeds, ...done(deed.cancel) } : deeds
    }
    case 'experiment.submitted':
      return { ...deeds, ...done(...event.data.sites.map(deed.submit)) }
    case 'experiment.step-retried': {
      const retried = event.data.next.map(({ part, step, try: tries }) => deed.retry(part, step, tries))
      const isOfRun = event.data.next.some(({ step }) => ['probe', 'run', 'collect'].includes(step))
      return { ...(isOfRun ? without(deeds, deed.cancel) : deeds), ...done(...retried) }
    }
    case 'experiment.archived':
      return { ...deeds, ...done(deed.archive) }
    default:
      return deeds
  }
}

const sitesOf = (nodes: readonly string[]): readonly string[] => nodes.map((node) => placeOfPart(node).site)

const only = (deeds: KnownExperiment['deeds'], name: string): KnownExperiment['deeds'] =>
  Object.fromEntries(Object.entries(deeds).filter(([one]) => one === name))

const without = (deeds: KnownExperiment['deeds'], name: string): KnownExperiment['deeds'] =>
  Object.fromEntries(Object.entries(deeds).filter(([one]) => one !== name))
