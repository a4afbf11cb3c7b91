import { type Command, InvalidArgumentError, Option } from 'commander'
import { defaultState, localUrl, type Named } from '#bus/connection-of'

/** What every verb that speaks to the bus takes. */
export type Common = Named & { readonly state: string; readonly json?: boolean }

/** Reads a whole number of the command line; what is none, or out of bounds, is refused before anything is done. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
    throw new InvalidArgumentError(`Expected a whole number ${bounds}.`)
  }

/** A TCP port. */
export const port = whole(1, 65_535)

/** How many rows of a list: as many as the server gives at once. */
export const limit = whole(1, 1_000)

export const logLevel = (): Option =>
  new Option('--log-level <level>', 'what is shown on the terminal')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info')

/** How long the bucket of a host keeps bytes, as a number of days on the command line, in milliseconds. */
export const keepBytes = (): Option =>
  new Option(
    '--keep-bytes <days>',
    'how long bytes for other machines are kept on the server; later they are put there again on demand',
  )
    .argParser((text: string) => whole(1, 3650)(text) * 86_400_000)
    .default(7 * 86_400_000, '7')

/** An address as a URL has it. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

export const withConnection = (command: Command): Command =>
  command
    .option('--nats <url>', `the NATS server; by default NATS_URL, the one of the state folder, or ${localUrl()}`)
    .option('--creds <file>', 'a file of credentials that millrace certs wrote: for this machine, or for you')
    .option('--state <folder>', 'where state is kept on this machine', defaultState)
