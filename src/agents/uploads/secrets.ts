import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, reasonOf } from '#bus/fault'
import { secretKey } from '#contracts/cloud-link'

/** Secrets that lie in a folder, each told apart by a key that says nothing of it: events hold the key alone. */
export type Vault = {
  /** Puts a secret away and gives its key, once it is on disk. */
  readonly put: (value: string) => Promise<string>
  /** Rejects where there is none of that key, and where it can't be opened. */
  readonly get: (key: string) => Promise<string>
  /** What is not there is forgotten already. */
  readonly forget: (key: string) => Promise<void>
}

const [cipher, ivLength, tagLength, keyLength] = ['aes-256-gcm', 12, 16, 32] as const

/**
 * Opens a vault in a folder of its own, which is made where it is missing; only this user can read what lies in it. Each secret is
 * encrypted under `key` (32 bytes) or, without one, under a key that lies in the folder as `vault.key`; and bound to its name, so
 * that no file can stand for another.
 */
export const openVault = async (options: { readonly folder: string; readonly key?: Buffer }): Promise<Vault> => {
  const { folder } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const key = options.key ?? (await keyIn(folder))
  if (key.length !== keyLength) throw vaultFaults.badKey(folder, `it has ${key.length} bytes`)
  const placeOf = (name: string): string => {
    if (!secretKey.safeParse(name).success) throw vaultFaults.missing(folder)
    return join(folder, `${name}.secret`)
  }

  const put: Vault['put'] = async (value) => {
    const name = randomBytes(16).toString('hex')
    const iv = randomBytes(ivLength)
    const sealing = createCipheriv(cipher, key, iv).setAAD(boundTo(name))
    const sealed = Buffer.concat([sealing.update(value, 'utf8'), sealing.final()])
    await writeOnce(placeOf(name), Buffer.concat([iv, sealing.getAuthTag(), sealed]))
    return name
  }

  const get: Vault['get'] = async (name) => {
    const found = await readFile(placeOf(name)).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? vaultFaults.missing(folder) : vaultFaults.shut(folder, reasonOf(cause))
    })
    try {
      const [iv, tag] = [found.subarray(0, ivLength), found.subarray(ivLength, ivLength + tagLength)]
      const opening = createDecipheriv(cipher, key, iv, { authTagLength: tagLength })
      opening.setAAD(boundTo(name)).setAuthTag(tag)
      return opening.update(found.subarray(ivLength + tagLength), undefined, 'utf8') + opening.final('utf8')
    } catch {
      throw vaultFaults.shut(folder, 'it was changed, or put away under another key')
    }
  }

  return { put, get, forget: async (name) => rm(placeOf(name), { force: true }) }
}

const boundTo = (name: string): Buffer => Buffer.from(`millrace secret ${name}`)

/** Writes a file that appears whole, is on disk by then, and is read by its owner alone; false where one is there already. */
const writeOnce = async (path: string, bytes: Buffer): Promise<boolean> => {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, bytes, { flag: 'wx', mode: 0o600, flush: true })
    await link(draft, path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw vaultFaults.unwritten(path, cause)
  } finally {
    await rm(draft, { force: true })
  }
}

/** The key that lies in the folder, made where there is none; of several who make one, all use the first. */
const keyIn = async (folder: string): Promise<Buffer> => {
  const path = join(folder, 'vault.key')
  await writeOnce(path, randomBytes(keyLength))
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0 && process.platform !== 'win32')
    throw vaultFaults.badKey(path, 'others than its owner may read it: chmod 600')
  return readFile(path)
}

const vaultFaults = {
  unwritten: (path: string, cause: unknown) =>
    new Fault('vault.unwritten', `${path} can't be written: ${reasonOf(cause)}. Mend that, and try again`, { cause }),
  missing: (folder: string) =>
    new Fault('vault.missing', `The secret of this link is not in ${folder} any longer. Set the cloud link anew`),
  shut: (folder: string, why: string) =>
    new Fault('vault.shut', `The secret of this link, in ${folder}, can't be opened: ${why}. Set the cloud link anew`),
  badKey: (path: string, why: string) =>
    new Fault(
      'vault.key',
      `${path} does not give the key of the vault: ${why}. It takes ${keyLength} bytes, as they are`,
    ),
}
