import { useQuery } from '@tanstack/react-query'
import type { Thing } from './api-artifacts.ts'
import { ArtifactLink } from './artifact-link.tsx'
import { Link } from './link.tsx'
import { ProblemNote } from './problem-note.tsx'
import { lineageQuery } from './queries.ts'
import { runAddress } from './router.ts'

type Props = { readonly way: 'why' | 'used-by'; readonly store: string; readonly path: string }

const titles = { why: 'Why it exists', 'used-by': 'Used by' } as const
const empty = {
  why: 'Nothing came before it: it was dropped into its store.',
  'used-by': 'Nothing has used it yet.',
} as const

/** What led to an artifact, or what came of it, step by step. */
export const LineageList = ({ way, store, path }: Props) => {
  const { data, error, refetch } = useQuery(lineageQuery(way, store, path))
  const things = new Map(data?.things.map((thing) => [thing.id, thing] as const))
  const edges = way === 'why' ? data?.edges.toReversed() : data?.edges
  return (
    <section>
      <h2>{titles[way]}</h2>
      {error && <ProblemNote error={error} retry={refetch} />}
      {edges?.length === 0 && <p className="quiet">{empty[way]}</p>}
      <ol className="rows">
        {edges?.map(({ source, target, kind }) => {
          const [from, to] = [things.get(source), things.get(target)]
          if (!from || !to) return null
          // Whoever acts comes first: an execution uses and gives, and comes after another.
          const [actor, other] = from.kind === 'execution' && kind !== 'after' ? [from, to] : [to, from]
          return (
            <li key={`${source} ${target} ${kind}`}>
              <Named thing={actor} /> <span className="verb">{kind === 'after' ? 'came after' : kind}</span>{' '}
              <Named thing={other} />
            </li>
          )
        })}
      </ol>
      {data?.truncated && <p className="note">There is more: only the nearest steps are shown.</p>}
    </section>
  )
}

const Named = ({ thing }: { readonly thing: Thing }) =>
  thing.kind === 'artifact' ? (
    <>
      <ArtifactLink store={thing.store} path={thing.path} /> <span className="quiet">{thing.store}</span>
    </>
  ) : (
    <>
      {thing.part} <span className="quiet">in</span> <Link to={runAddress(thing.run)}>{thing.run}</Link>
    </>
  )
