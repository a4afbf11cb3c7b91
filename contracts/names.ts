import { z } from 'zod'

/** A name that can stand in a subject: what pipelines, nodes, hosts and principals are called. */
export const name = z
  .string()
  .regex(/^[\w-]{1,128}$/, 'use 1 to 128 letters, digits, - and _')
  .describe('A name that can stand in a subject')

/** One node of one pipeline, for example `root_pipeline/retraining`. */
export const part = z
  .string()
  .regex(/^[\w-]{1,128}\/[\w-]{1,128}$/, 'use <pipeline>/<node>')
  .describe('<pipeline>/<node>')

/** One run of one pipeline, for example `root_pipeline/17`. */
export const runName = z
  .string()
  .regex(/^[\w-]{1,128}\/\d+$/, 'use <pipeline>/<run number>')
  .describe('<pipeline>/<run number>')

/** A place in the log: `<log id>.<sequence>`. Opaque to whoever is not the bus. */
export const position = z
  .string()
  .regex(/^[\w-]+\.\d+$/, 'use a position as an answer gave it')
  .describe('<log id>.<sequence>, opaque')

/** The sequence of a position, by which positions of one log are told apart; 0, the beginning, where there is none. */
export const sequenceOf = (at: string | undefined): number => Number(at?.slice(at.lastIndexOf('.') + 1) ?? 0)

/** The log of a position. */
export const logIdOf = (at: string): string => at.slice(0, at.lastIndexOf('.'))

/** The SHA-256 of some bytes, in hexadecimal. */
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'use 64 hexadecimal digits')
  .describe('SHA-256, hexadecimal')

/** What somebody says of why, in so many characters at most: it travels on in every message that comes of it. */
export const said = z.string().max(10_000)

/** A whole number that counts. */
export const count = z.int().nonnegative()

/** Both halves of a part. */
export const splitPart = (qualified: string): { readonly pipeline: string; readonly node: string } => {
  const [pipeline = '', node = ''] = qualified.split('/')
  return { pipeline, node }
}

/** What is called so among these. A name may come from outside: what every object has by itself, as `constructor`, is not there. */
export const called = <T>(all: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined

/** Makes a name out of any text: what a subject can't hold becomes `-`. */
export const nameFrom = (text: string): string => text.replaceAll(/[^\w-]/g, '-').slice(0, 128) || '-'
