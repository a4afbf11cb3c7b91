import { z } from 'zod'
import type { CloudLink } from '#contracts/cloud-link'
import { lookupOf, type Reach } from './reach.ts'
import { directoryTarget } from './upload-directory.ts'
import { uploadFaults } from './upload-faults.ts'
import { s3Target } from './upload-s3.ts'
import { signedTarget } from './upload-signed.ts'
import type { Target } from './upload-target.ts'
import { webDavTarget } from './upload-webdav.ts'

const s3Keys = z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) })
const webDavLogin = z.object({ user: z.string(), password: z.string() })

/**
 * Where a link leads, with its secret as the vault gave it. `directories` is the folder below which those of the portal's machine lie.
 */
export const targetOf = async (
  link: CloudLink,
  secret: string | undefined,
  { directories, reach }: { readonly directories: string | undefined; readonly reach: Reach },
): Promise<Target> => {
  const lookup = lookupOf(link, reach)
  switch (link.kind) {
    case 's3':
      return s3Target(link, secret === undefined ? undefined : read(s3Keys, secret, `s3://${link.bucket}`), lookup)
    case 'webdav':
      return webDavTarget(link, secret === undefined ? undefined : read(webDavLogin, secret, link.url), lookup)
    case 'directory':
      return directoryTarget(link, directories)
    case 'signed-url':
      if (secret === undefined) throw uploadFaults.badSecret(link.host)
      return signedTarget(link, secret, { lookup })
  }
}

const read = <T>(shape: z.ZodType<T>, secret: string, told: string): T => {
  try {
    return shape.parse(JSON.parse(secret))
  } catch {
    throw uploadFaults.badSecret(told)
  }
}
