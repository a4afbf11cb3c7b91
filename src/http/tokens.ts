import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { z } from 'zod'
import { faults, reasonOf } from '#bus/fault'
import { exact } from '#contracts/fields'
import { digest, name } from '#contracts/names'
import { problemsOf } from '#contracts/problems'

/** Somebody who may come in: the file holds the SHA-256 of their token alone. */
const holder = exact({ name, sha256: digest, note: z.string().max(1_000).optional() })
type Holder = z.output<typeof holder>

/** Who may come in, and by what they are known. */
export type Tokens = {
  /** Whose token it is, and its digest; undefined where it is nobody's. Takes as long whoever it is. */
  readonly holderOf: (token: string) => Holder | undefined
  /** Whether whoever had this digest may still come in, under that name. */
  readonly holds: (known: Pick<Holder, 'name' | 'sha256'>) => boolean
}

/**
 * Reads who may come in from a file, and reads it anew whenever it has changed. What can't be read at the start is a fault; later,
 * what was read last goes on holding and the reason is said, so that nobody is shut out while the file is written. A file that is
 * gone lets nobody in.
 */
export const tokensIn = (path: string, say: (line: string) => void = () => undefined): Tokens => {
  let seen = stampOf(path)
  let holders = seen === undefined ? unreadable(path) : readIn(path)

  const now = (): readonly Holder[] => {
    const stamp = stampOf(path)
    if (stamp === seen) return holders
    seen = stamp
    try {
      holders = stamp === undefined ? [] : readIn(path)
      if (stamp === undefined) say(`${path} is gone: nobody is let in until it is back`)
    } catch (cause) {
      say(`${reasonOf(cause)}. Until then those who were in it before may come in`)
    }
    return holders
  }

  return {
    holderOf: (token) => {
      const given = createHash('sha256').update(token).digest()
      const found = now().filter(({ sha256 }) => timingSafeEqual(given, Buffer.from(sha256, 'hex')))
      return found[0]
    },
    holds: (known) => now().some((one) => one.name === known.name && one.sha256 === known.sha256),
  }
}

/** Tells one state of a file from another; undefined where there is none. */
const stampOf = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`
}

const unreadable = (path: string): never => {
  throw faults.badTokens(path, 'there is no such file')
}

const readIn = (path: string): readonly Holder[] => {
  try {
    const text = readFileSync(path, 'utf8').trim()
    const parsed = z.array(holder).safeParse(text.startsWith('[') ? JSON.parse(text) : linesIn(text))
    if (parsed.success) return parsed.data
    throw faults.badTokens(path, problemsOf(parsed.error.issues))
  } catch (cause) {
    if (cause instanceof SyntaxError) throw faults.badTokens(path, 'it is no JSON', cause)
    throw cause
  }
}

const linesIn = (text: string): unknown[] =>
  text.split('\n').flatMap((line) => (line.trim() === '' || line.startsWith('#') ? [] : [JSON.parse(line)]))
