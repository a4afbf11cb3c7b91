import { z } from 'zod'

/** A key under which a secret was put away: events hold this alone. */
export const secretKey = z
  .string()
  .regex(/^[\w-]{1,128}$/, 'use the key that was given for the secret')
  .describe('A secret, by the key under which it was put away')

const web = z.url({ protocol: /^https?$/, error: 'expected an address that begins with https://' }).max(2_000)
const folder = z
  .string()
  .max(1_000)
  .refine((path) => !path.split('/').includes('..'), 'expected a path without ..')

/** Where results go. Whatever is secret of it lies elsewhere, and is named here by its key. */
export const cloudLink = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('s3'),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,62}$/, 'expected the name of a bucket'),
    prefix: folder.default(''),
    endpoint: web.optional(),
    region: z.string().max(64).optional(),
    secret: secretKey.describe('Its access key and secret access key').optional(),
  }),
  z.object({
    kind: z.literal('signed-url'),
    host: z.string().max(300),
    secret: secretKey.describe('The whole address'),
  }),
  z.object({ kind: z.literal('webdav'), url: web, secret: secretKey.describe('User and password').optional() }),
  z.object({ kind: z.literal('directory'), path: folder.describe("Below the portal's folder for such") }),
])
export type CloudLink = z.infer<typeof cloudLink>
