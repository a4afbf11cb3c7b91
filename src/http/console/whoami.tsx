import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from './link.tsx'
import { meQuery, sessionQuery, signOut } from './session.ts'

/** Who is signed in, and as whom the portal knows them; a way out where one came in with a token. */
export const Whoami = () => {
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const { data: me } = useQuery(meQuery)
  if (!session?.name || !(session.tokens || me?.portal)) return null
  const roles = me?.roles.join(', ') || (me?.portal ? 'no role' : '')
  return (
    <span className="whoami">
      {me?.portal ? <Link to="/me">{session.name}</Link> : session.name}
      {roles !== '' && <span className="quiet"> {roles}</span>}
      {session.tokens && (
        <button type="button" className="quiet-button" onClick={() => void signOut(client)}>
          Sign out
        </button>
      )}
    </span>
  )
}
