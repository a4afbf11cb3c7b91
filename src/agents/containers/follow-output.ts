import { setTimeout as delay } from 'node:timers/promises'
import { lookAt } from './container-state.ts'
import { type DockerCli, isAway } from './docker-cli.ts'

/**
 * Takes a line of a run's output, and when the engine noted it: the latest is what to give as `heardUntil` after a restart. The
 * time is empty where the line is about the run and not of it.
 */
export type Say = (stream: 'stdout' | 'stderr', line: string, at: string) => void

type Follow = {
  readonly docker: DockerCli
  readonly id: string
  /** What the engine noted up to this time was said before. */
  readonly heardUntil?: string | undefined
  /** So many lines are said; what comes behind them is not listened to. */
  readonly lines: number
  readonly say: Say
  readonly signal: AbortSignal
}

/** A line is cut behind so many characters. */
const longestLine = 65_536

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/

/** The engine keeps a long line in pieces of 16 KiB, and writes the time before each. */
const stampInside = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g

/** Of so many characters a piece is at least. */
const piece = 4_096

/** What docker says itself where the other end is lost: the program it listens to says it with a time before it. */
const ownWords = /^(unexpected EOF|error during connect|Cannot connect to the Docker daemon|Error response from daemon)/

/** So often in a row it listens in vain to an engine that answers. */
const mostTries = 5

/** How long it waits before it listens again, once the engine was away, in milliseconds. */
const pause = 1_000

/**
 * Says the output of a container line by line as it comes, until the container has ended and all was said, or `signal` aborts. An
 * engine that is away for a while is listened to again from where it was: nothing is said twice, and only what it noted in the same
 * billionth of a second as the last line that was said could be passed over.
 */
export const followOutput = async ({
  docker,
  id,
  heardUntil = '',
  lines,
  say,
  signal: leave,
}: Follow): Promise<void> => {
  const last = { stdout: heardUntil, stderr: heardUntil }
  let said = 0
  const enough = new AbortController()
  const signal = AbortSignal.any([leave, enough.signal])
  const tell = (stream: 'stdout' | 'stderr', line: string, at: string) => {
    if (said++ < lines) say(stream, line, at)
    else if (!enough.signal.aborted) {
      say('stderr', `… it writes more than ${lines} lines; the rest is not kept`, at)
      enough.abort()
    }
  }
  for (let tries = 0; tries < mostTries && !signal.aborted; tries++) {
    const since = Object.values(last).toSorted().find(Boolean)
    const again = { ...last }
    let heard = false
    const hear = (stream: 'stdout' | 'stderr', text: string) => {
      const at = stamp.exec(text)?.[1]
      if ((at && at <= again[stream]) || (!at && ownWords.test(text))) return
      if (at) last[stream] = at
      tries = 0
      heard = true
      tell(stream, readable(text), last[stream])
    }
    const args = ['logs', '--follow', '--timestamps', ...(since ? ['--since', since] : []), id]
    const broken = await docker.stream(args, { signal, hear }).catch((thrown: unknown) => thrown)
    if (signal.aborted) return
    const state = await lookAt(docker, id, signal).catch((thrown: unknown) => thrown)
    if (state === undefined) return
    if (broken === undefined && ['created', 'over'].includes(Object(state).status)) {
      // An engine that began a new file for the output may say too early that this was all.
      if (heard) continue
      return
    }
    if (state instanceof Error || (broken !== undefined && isAway(broken))) tries = 0
    await delay(pause, undefined, { signal }).catch(() => undefined)
  }
}

const readable = (text: string): string => {
  const line = text.replace(stamp, '')
  const whole = line.length < piece ? line : line.replace(stampInside, (found, at: number) => (at < piece ? found : ''))
  return whole.length > longestLine ? `${whole.slice(0, longestLine)} …` : whole
}
