import { z } from 'zod'
import { type Contract, fact, type MessageOf } from './contract.ts'
import { count, digest, part, runName } from './names.ts'

/** A path inside a store, with `/` between its parts. */
const path = z.string().min(1).max(4096)

/** Which execution did it. */
export const by = z.object({ run: runName, part, attempt: z.int().positive() })
export type By = z.infer<typeof by>

/** From when a client asked until the bytes lay verified where they were to be, in milliseconds: waiting for the other host counts. */
const took = count.optional()

/** What may last have happened to an artifact at its place. */
export const artifactStates = ['fresh', 'offered', 'used', 'produced', 'uploaded', 'downloaded', 'gone'] as const
export type ArtifactState = (typeof artifactStates)[number]

const content = z.object({ store: part, path, digest, size: count })

/** What has happened to artifacts. Bytes are named by their SHA-256; a path is where they were seen. */
export const artifactEvents = {
  'artifact.detected': fact(
    'New or changed bytes have come to rest in a watched store',
    content.extend({ change: z.enum(['new', 'changed']) }),
  ),
  'artifact.gone': fact('A file that was known has vanished from its store', z.object({ store: part, path })),
  'artifact.unreadable': fact(
    'Something in a store cannot be an artifact',
    z.object({ store: part, path, reason: z.string() }),
  ),
  'artifact.source-failing': fact(
    'Nothing can be seen of what a store mirrors, or its watched folder is away; said once for each reason',
    z.object({ store: part, reason: z.string() }),
  ),
  'artifact.source-back': fact('What a store mirrors, or its folder, can be seen again', z.object({ store: part })),
  'artifact.saved': fact('A node produced it in a store of its own pipeline', content.extend({ by: by.optional() })),
  'artifact.used': fact('A node opened it', z.object({ store: part, path, digest, by: by.optional() })),
  'artifact.uploaded': fact(
    'It came from another pipeline and lies verified in the store',
    content.extend({ from: part.describe('The client that sent it'), by: by.optional(), took }),
  ),
  'artifact.downloaded': fact(
    'It lies verified in the folder of a client of another pipeline',
    content.extend({ to: part.describe('The client that fetched it'), by: by.optional(), took }),
  ),
  'artifact.tagged': fact(
    'Somebody said something about it',
    z.object({ store: part, path, digest, tags: z.record(z.string().min(1), z.string()), by: by.optional() }),
  ),
} as const satisfies Contract

export type ArtifactEvent = MessageOf<typeof artifactEvents>
