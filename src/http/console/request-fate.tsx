import { useQuery } from '@tanstack/react-query'
import { Link } from './link.tsx'
import { requestsQuery } from './queries.ts'
import { RequestWaits } from './request-waits.tsx'
import { runAddress } from './router.ts'
import { visible } from './text.ts'

type Props = { readonly pipeline: string; readonly id: string }

/** What came of a request, as soon as something has. */
export const RequestFate = ({ pipeline, id }: Props) => {
  const { data } = useQuery(requestsQuery(pipeline))
  const found = data?.items.find(({ request }) => request === id)
  if (found?.run)
    return (
      <>
        It is <Link to={runAddress(found.run)}>{found.run}</Link>.
      </>
    )
  if (found?.state === 'dropped') return `No run comes of it: ${visible(found.reason ?? 'nobody said why')}`
  return (
    <>
      Asked for: <RequestWaits pipeline={pipeline} />.
    </>
  )
}
