import { useQuery } from '@tanstack/react-query'
import { ArtifactCard } from './artifact-card.tsx'
import { ArtifactHistory } from './artifact-history.tsx'
import { ArtifactLink } from './artifact-link.tsx'
import { contentOf } from './ask.ts'
import { Facts } from './facts.tsx'
import { LineageList } from './lineage-list.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Page } from './page.tsx'
import { Preview } from './preview.tsx'
import { ProblemNote } from './problem-note.tsx'
import { artifactQuery, artifactTagsQuery, historyQuery } from './queries.ts'
import { runAddress } from './router.ts'
import { sizeOf, visible } from './text.ts'

type Props = { readonly store: string; readonly path: string }

/** One artifact: its bytes, and everything that happened to it. */
export const ArtifactPage = ({ store, path }: Props) => {
  const { data: found, error, refetch } = useQuery(artifactQuery(store, path))
  const { data: happened } = useQuery(historyQuery({ node: store, path }))
  const { data: tagged } = useQuery(artifactTagsQuery(store, path))
  const artifact = found?.items.find((one) => one.path === path)
  const history = happened?.items.filter((one) => one.path === path) ?? []
  const tags = tagged?.items.filter((one) => one.path === path) ?? []
  const last = history[0]
  // A client has copies, and no artifacts of its own: the bytes are its store's.
  const home = artifact ? store : last?.store
  const digest = artifact?.digest ?? last?.digest
  const size = artifact?.size ?? history.find((one) => one.size !== null && one.digest === digest)?.size ?? null
  const said = (key: string) => tags.findLast((one) => one.key === key && one.value !== '')?.value
  const [card, cardOf] = [said('card'), said('card-of')]
  const isGone = artifact?.state === 'gone'
  return (
    <Page title={visible(path)}>
      {error && <ProblemNote error={error} retry={refetch} />}
      {found && happened && !artifact && history.length === 0 && (
        <p className="note">
          Nothing is known of this file in {store}. <Link to={`/artifacts/${store}`}>What lies there</Link>
        </p>
      )}
      {home && digest && (
        <>
          <Facts
            rows={[
              [
                'Store',
                <Link key="store" to={`/artifacts/${home}`}>
                  {home}
                </Link>,
              ],
              ['Copy at', home !== store && store],
              ['State', artifact && <strong>{artifact.state}</strong>],
              ['Since', artifact && <Moment at={artifact.at} />],
              ['Last run', artifact?.run && <Link to={runAddress(artifact.run)}>{artifact.run}</Link>],
              ['Size', size === null ? null : sizeOf(size)],
              ['SHA-256', <code key="digest">{digest}</code>],
              ['Card', card && <ArtifactLink key="card" store={home} path={card} />],
              ['Card of', cardOf && <ArtifactLink key="card of" store={home} path={cardOf} />],
              ['Tags', tags.length > 0 && tags.map(({ key, value }) => visible(`${key} = ${value}`)).join(', ')],
            ]}
          />
          <h2>Preview</h2>
          {isGone && <p className="note">It has gone from its store; what is below is its history.</p>}
          {!isGone && (
            <>
              <p>
                <a href={contentOf(home, path)} download>
                  Download
                </a>
              </p>
              <Preview address={contentOf(home, path)} path={path} digest={digest} size={size} />
            </>
          )}
          {card && !isGone && <ArtifactCard store={home} path={card} />}
          <h2>History</h2>
          <ArtifactHistory history={history} />
          <LineageList way="why" store={store} path={path} />
          <LineageList way="used-by" store={store} path={path} />
        </>
      )}
    </Page>
  )
}
