import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { Problem } from './ask.ts'
import { ProblemNote } from './problem-note.tsx'
import { sessionQuery, signIn } from './session.ts'
import { ThemeToggle } from './theme-toggle.tsx'

/** Where nobody is signed in: asks for a token, and then shows what was asked for. */
export const SignIn = () => {
  const client = useQueryClient()
  const [token, setToken] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => signIn(token.trim()),
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
    onError: () => field.current?.select(),
  })
  useEffect(() => field.current?.focus(), [])
  const send = (event: FormEvent) => {
    event.preventDefault()
    mutate()
  }
  const isWrong = (error as Problem | null)?.status === 401
  return (
    <main className="sign-in">
      <title>Sign in · Millrace</title>
      <form onSubmit={send}>
        <h1>
          <img src="/console/icon.svg" alt="" width="32" height="32" /> Sign in to Millrace
        </h1>
        <label>
          Token
          <input
            ref={field}
            type="password"
            autoComplete="current-password"
            spellCheck={false}
            maxLength={1000}
            value={token}
            aria-invalid={isWrong}
            aria-describedby="token-said"
            onChange={({ target }) => setToken(target.value)}
          />
        </label>
        <p id="token-said" className="quiet">
          Paste the token that you were given. Whoever keeps this server makes them.
        </p>
        {isWrong && (
          <p className="wrong" role="alert">
            Nobody is known here by that token. Look whether all of it was pasted.
          </p>
        )}
        {error && !isWrong && <ProblemNote error={error} />}
        <div className="sign-in-end">
          <button type="submit" className="primary" disabled={isPending || token.trim() === ''}>
            Sign in
          </button>
          <ThemeToggle />
        </div>
      </form>
    </main>
  )
}
