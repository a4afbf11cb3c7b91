import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { byLine } from '../lines.ts'
import { graceSeconds, notBegun } from './launch.ts'
import type { Ended, RunOptions } from './machine.ts'
import { machineFaults } from './machine-faults.ts'

/** A program that has been begun somewhere, by what `launched` gives. */
export type Begun = {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when it has ended; rejects where that can't be known. Once `drop` is called it does one of them soon. */
  readonly exited: Promise<Omit<Ended, 'lastWords'>>
  /** Throws where its output ended because what it came over broke. */
  readonly whole: () => void
  /** Closes its standard input: whoever watches it ends it, and all that it started. */
  readonly release: () => void
  /** Lets go of it by force. */
  readonly drop: () => void
}

/** How much of the end of what is written is kept, in characters. */
const mostWords = 2_000

/** How much longer than its grace a program has until it is let go of by force, in milliseconds. */
const dropAfter = (graceSeconds + 3) * 1000

/** How long nothing more must come of a program that has ended, while somebody it left behind holds its output; milliseconds. */
const quietFor = 3_000

/**
 * Hears a program until it has ended and all that it wrote has come. Bytes that go to `output` are waited for without a bound:
 * `output` is ended where they are whole, and else destroyed. Resolves and rejects as `Machine` says of `run`.
 */
export const attend = async (
  begun: Begun,
  program: string,
  { signal, hear, output, folder = '' }: RunOptions,
  where: string,
): Promise<Ended> => {
  const { stdout, stderr, release, drop } = begun
  const { promise: dropped, reject: giveUp } = Promise.withResolvers<never>()
  let forced: NodeJS.Timeout | undefined
  const end = (): void => {
    release()
    forced ??= setTimeout(() => {
      drop()
      giveUp(new Error(`${program} could not be ended at ${where}`))
    }, dropAfter)
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()

  const complaints = listen(stderr, (line) => hear?.('stderr', line))
  const words = output ? undefined : listen(stdout, (line) => hear?.('stdout', line))
  const poured = output && pour(stdout, output)
  poured?.catch(end) // What can't be handed on is no reason for the program to go on.
  try {
    const how = await Promise.race([begun.exited, dropped])
    release()
    const all = Promise.all([poured ?? words?.all, complaints.all])
    await Promise.race([all, dropped, ...(output ? [] : [quiet([words, complaints])])])
    signal.throwIfAborted()
    begun.whole()
    if (output) await finished(output.end())
    for (const [kind, { code, words }] of Object.entries(notBegun))
      if (how.code === code && complaints.words().trim() === words)
        throw kind === 'noFolder' ? machineFaults.noFolder(where, folder) : machineFaults.noProgram(where, program)
    return { ...how, lastWords: complaints.words().trim() || (words?.words().trim() ?? '') }
  } catch (cause) {
    output?.destroy()
    signal.throwIfAborted()
    throw cause
  } finally {
    clearTimeout(forced)
    signal.removeEventListener('abort', end)
    stdout.destroy()
    stderr.destroy()
  }
}

/**
 * Hands bytes on as fast as they are taken. Resolves when all have been handed on; rejects when they are not taken any more, and
 * then lets them go by, so that whoever writes them can end.
 */
const pour = (from: Readable, into: Writable): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const resume = () => void from.resume()
  const pass = (chunk: Buffer): void => {
    if (!into.write(chunk)) from.pause()
  }
  const stop = (cause?: Error | null): void => {
    from.off('data', pass)
    resume()
    reject(cause ?? new Error('What was written is not taken any more'))
  }
  into.on('drain', resume).once('error', stop).once('close', stop)
  from.on('data', pass)
  finished(from, { writable: false }).then(resolve, reject)
  const over = () => void into.off('drain', resume).off('close', stop)
  promise.then(over, over)
  return promise
}

type Listened = ReturnType<typeof listen>

/** Puts what is written together by line, and keeps the end of it. */
const listen = (stream: Readable, say: (line: string) => void) => {
  const lines = byLine(say)
  let [words, chunks] = ['', 0]
  stream.setEncoding('utf8').on('data', (text: string) => {
    chunks++
    words = (words + text).slice(-mostWords)
    lines.add(text)
  })
  const all = finished(stream, { writable: false }).finally(() => lines.end())
  all.catch(() => undefined) // Its end is what counts; why it came, the program's end says.
  return { all, words: () => words, chunks: () => chunks }
}

/** Resolves when nothing has come for a while. */
const quiet = async (heard: readonly (Listened | undefined)[]): Promise<void> => {
  const sum = () => heard.reduce((total, one) => total + (one?.chunks() ?? 0), 0)
  for (let before = -1; before !== sum(); ) {
    before = sum()
    await delay(quietFor, undefined, { ref: false })
  }
}
