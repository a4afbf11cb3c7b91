import type { Writable } from 'node:stream'

/** How a program ended: with a code, or by a signal. */
export type Ended = {
  readonly code: number | null
  readonly killedBy: string | null
  /** The end of what it wrote, errors before all else: what is said of it where it failed. */
  readonly lastWords: string
}

export type RunOptions = {
  readonly signal: AbortSignal
  /** Called with each line, as it comes. */
  readonly hear?: ((stream: 'stdout' | 'stderr', line: string) => void) | undefined
  /**
   * Takes what it writes to its output as it is, byte by byte, as fast as this takes it; then `hear` is told of its errors alone. It
   * is ended when all has come, and destroyed where `run` rejects: what broke off never looks whole.
   */
  readonly output?: Writable | undefined
  /** The folder it runs in; a relative one begins where the user of that machine is at home. */
  readonly folder?: string | undefined
}

export type CopyOptions = {
  readonly signal: AbortSignal
  /** Told now and then how far it is: bytes copied so far, and how much of the whole that is, from 0 to 100. */
  readonly progress?: ((bytes: number, percent: number) => void) | undefined
  /** Told the program that copies, with its arguments, as it is run. */
  readonly ran?: ((program: readonly string[]) => void) | undefined
  /** Holds what is there already against its bytes, all of which are read: else its size and time, in seconds, tell. */
  readonly byBytes?: boolean | undefined
  /** Removes there what is not here. */
  readonly exact?: boolean | undefined
  /** Names at the top of the folder that are neither copied nor removed. */
  readonly except?: readonly string[] | undefined
}

/**
 * A machine that programs are run on and folders are copied to and from: this one, or another one over ssh. Paths that are not
 * absolute begin where its user is at home; so does `~/`. Every fault says what was tried, on which machine, and what it said.
 */
export type Machine = {
  readonly name: string
  /**
   * Runs a program with its arguments, none of which any shell takes apart. Resolves with how it ended, however that was; rejects
   * where it can't be run, where the connection broke, and where `signal` aborted: then it has been told to end, and soon been killed.
   */
  readonly run: (program: readonly [string, ...string[]], options: RunOptions) => Promise<Ended>
  /**
   * Copies what lies in a folder here into a folder there, which is made where it is missing; begun once and cut off, it goes on.
   * Modes and the links that stay inside are kept; links that lead out of the folder are left out. Relative, `from` begins where
   * this process runs.
   */
  readonly send: (from: string, to: string, options: CopyOptions) => Promise<void>
  /**
   * Copies what lies in a folder there into a folder here, likewise. What comes is not trusted: regular files and folders alone are
   * taken over, with the modes 644 and 755 and as our own.
   */
  readonly fetch: (from: string, to: string, options: CopyOptions) => Promise<void>
}
