import { z } from 'zod'
import { by } from '#contracts/artifact'
import { digest, name, part, position } from '#contracts/names'
import { tags } from './asked.ts'
import type { Listed } from './handles.ts'

const path = z.string().min(1).max(4096)
const eventId = z.string().regex(/^[\w.:-]{1,300}$/, 'use the id of an event')
const cause = z.object({ id: eventId, correlationId: eventId }).optional()

/** What is said of anything that is to be taken in: by whom, in which delivery of his work, and because of what. */
const arriving = {
  by: by.optional(),
  delivery: z.int().optional(),
  overwrite: z.boolean().optional(),
  cause,
  call: z.string().max(128).optional().describe('The same each time this is asked: then it says nothing twice'),
}

/** What can be asked of a store by whoever is not its host. */
export const storeRequests = {
  list: z.object({ after: path.optional() }),
  fetch: z.unknown().describe('Says that whoever asks will fetch from here'),
  provide: z.object({ path }),
  look: z.object({ paths: z.array(path).max(1_000) }),
  condition: z.object({ after: position, upTo: position }),
  tag: z.object({ path, tags, ...arriving }),
  receive: z
    .object({
      path,
      digest,
      host: name.describe('In whose bucket the bytes lie'),
      from: part.optional().describe('The client that sends it; none: an execution of the own pipeline saves it'),
      tags: tags.optional(),
      card: z.unknown().optional().describe('What is said of it, where the store is a registry'),
      text: z.string().optional().describe('The same, as it is to lie beside it'),
      took: z.int().nonnegative().optional().describe('How long it has been on its way, in milliseconds'),
      ...arriving,
    })
    .refine(({ from, by }) => from !== undefined || by !== undefined, { path: ['from'], message: 'say from, or by' }),
  card: z.object({ path, digest, text: z.string(), ...arriving }),
} as const

/** What a store is asked for. */
export type StoreVerb = keyof typeof storeRequests

export type StoreRequest<Verb extends StoreVerb> = z.infer<(typeof storeRequests)[Verb]>

/** An artifact whose bytes lie in a host's bucket. */
export type Provided = Listed & { readonly host: string }
