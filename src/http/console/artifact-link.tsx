import { Link } from './link.tsx'
import { artifactAddress } from './router.ts'
import { visible } from './text.ts'

type Props = { readonly store: string; readonly path: string }

/** Leads to an artifact's page; whatever it is called is text. */
export const ArtifactLink = ({ store, path }: Props) => (
  <Link to={artifactAddress(store, path)} className="file">
    {visible(path)}
  </Link>
)
