import { useMutation } from '@tanstack/react-query'
import { useRef } from 'react'
import { order } from './ask.ts'

/** What was answered to something that was accepted. */
export type Answer = Readonly<Record<string, unknown>>
type Accepted = { readonly id: string; readonly answer: Answer }

/**
 * Posts something that is asked for. Its id is kept until it is done, or changed: a second try after a doubt asks for the same.
 * Gives the id that it was accepted with.
 */
export const useAsked = (
  path: string,
  body: Readonly<Record<string, unknown>> = {},
  done?: (accepted: Accepted) => void,
) => {
  const asked = JSON.stringify([path, body])
  const kept = useRef({ asked, id: '' })
  return useMutation({
    mutationFn: async () => {
      if (kept.current.id === '' || kept.current.asked !== asked) kept.current = { asked, id: crypto.randomUUID() }
      const response = await order(path, { ...body, id: kept.current.id })
      return { id: kept.current.id, answer: (await response.json()) as Answer }
    },
    onSuccess: (accepted) => {
      kept.current = { asked, id: '' }
      done?.(accepted)
    },
  })
}
