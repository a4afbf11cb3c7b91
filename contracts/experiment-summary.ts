import { partOfSite } from './experiment-parts.ts'
import { type SubState, subStateOf, subStates } from './experiment-standing.ts'
import type { KnownExperiment } from './experiment-state.ts'

/** The parts that stand for an experiment: its end nodes, and of a site that has none of them yet the site as a whole. */
export const partsOf = ({ sites }: KnownExperiment): readonly string[] =>
  Object.entries(sites).flatMap(([site, { nodes }]) => (nodes.length > 0 ? nodes : [partOfSite(site)]))

export type Behind = ReturnType<typeof subStateOf> & { readonly part: string }

/** Its part that is furthest behind; of several at one place the one that failed. Undefined where nothing has begun. */
export const furthestBehind = (experiment: KnownExperiment): Behind | undefined => sorted(experiment)[0]

/** The part furthest behind of those that failed; undefined where none did. */
export const firstFailed = (experiment: KnownExperiment): Behind | undefined =>
  sorted(experiment).find(({ failed }) => failed !== undefined)

/** The part furthest behind of those whose step does not go on at present; undefined where all do. */
export const firstHeldUp = (experiment: KnownExperiment): Behind | undefined =>
  sorted(experiment).find(({ failed, cancelled, reason }) => !failed && !cancelled && reason)

const sorted = (experiment: KnownExperiment): readonly Behind[] =>
  partsOf(experiment)
    .map((part) => ({ part, ...subStateOf(experiment, part) }))
    .toSorted((one, other) => placeOf(one.state) - placeOf(other.state) || rank(one) - rank(other))

const placeOf = (state: SubState): number => subStates.indexOf(state)

const rank = ({ failed, cancelled }: Behind): number => (failed ? 0 : cancelled ? 1 : 2)
