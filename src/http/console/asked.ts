import { useMutation } from '@tanstack/react-query'
import { useRef } from 'react'
import { order } from './ask.ts'

/**
 * Posts something that is asked for. Its id is kept until it is done, or changed: a second try after a doubt asks for the same.
 * Gives the id that it was accepted with.
 */
export const useAsked = (path: string, body: Readonly<Record<string, unknown>> = {}, done?: () => void) => {
  const asked = JSON.stringify([path, body])
  const kept = useRef({ asked, id: '' })
  return useMutation({
    mutationFn: async () => {
      if (kept.current.id === '' || kept.current.asked !== asked) kept.current = { asked, id: crypto.randomUUID() }
      const response = await order(path, { ...body, id: kept.current.id })
      return { id: kept.current.id, answer: (await response.json()) as Readonly<Record<string, unknown>> }
    },
    onSuccess: () => {
      kept.current = { asked, id: '' }
      done?.()
    },
  })
}
