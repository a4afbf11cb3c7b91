import { type QueryClient, queryOptions } from '@tanstack/react-query'
import type { Preferences } from '#contracts/notification'
import { ask, order, read } from './ask.ts'

/** Who is signed in here; without a name nobody is, and then a token is asked for. */
type Session = { readonly name: string | null; readonly tokens: boolean }

/** Who asks, as the portal knows them. */
export type Me = {
  readonly name: string | null
  /** Whether there is a portal in this log. */
  readonly portal: boolean
  readonly roles: readonly ('administrator' | 'operator' | 'member')[]
  readonly projects: readonly string[]
  /** The projects whose experiments they see. */
  readonly seen: readonly string[]
  readonly preferences: Preferences | null
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => read<Session>('/api/session', {}, signal),
  refetchOnWindowFocus: 'always',
})

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => read<Me>('/api/me', {}, signal),
})

export const signIn = (token: string): Promise<Response> => order('/api/session', { token })

/** Signs out, and forgets whatever was read. */
export const signOut = async (client: QueryClient): Promise<void> => {
  await ask('/api/session', { method: 'DELETE' })
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
  await client.invalidateQueries({ queryKey: sessionQuery.queryKey })
}
