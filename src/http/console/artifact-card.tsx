import { useQuery } from '@tanstack/react-query'
import { ArtifactLink } from './artifact-link.tsx'
import { contentOf } from './ask.ts'
import { Preview } from './preview.tsx'
import { artifactQuery } from './queries.ts'

type Props = { readonly store: string; readonly path: string }

/** The card of a file, as it lies beside it. */
export const ArtifactCard = ({ store, path }: Props) => {
  const { data } = useQuery(artifactQuery(store, path))
  const card = data?.items.find((one) => one.path === path)
  if (!card || card.state === 'gone') return null
  return (
    <section>
      <h2>
        Card <ArtifactLink store={store} path={path} />
      </h2>
      <Preview address={contentOf(store, path)} path={path} digest={card.digest} size={card.size} />
    </section>
  )
}
