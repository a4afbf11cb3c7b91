import { read, withQuery } from './ask.ts'

export const levels = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof levels)[number]

/** A line that a node printed; several may lie at one place. */
export type LogLine = {
  readonly place: number
  readonly at: string
  readonly level: Level
  readonly text: string
  readonly more?: Readonly<Record<string, unknown>>
  readonly part: string
  readonly attempt: number
  readonly delivery: number
  /** Of an experiment: the step in which it was printed. */
  readonly step?: string
}

/** Which lines are meant: all of them where nothing is said. Runs have nodes; parts of experiments take steps. */
export type LogChoice = {
  readonly node?: string | undefined
  readonly part?: string | undefined
  readonly step?: string | undefined
  readonly attempt?: number | undefined
  readonly level?: Level | undefined
}

type Lines = { readonly lines: readonly LogLine[]; readonly next: number | null }

/** What has a log, as the API has it: `runs/<run>` or `experiments/<id>`. */
const pathOf = (of: string): string => `/api/${of}/logs`

/** The last lines that were printed. */
export const lastLines = async (of: string, choice: LogChoice, tail: number, signal: AbortSignal) =>
  (await read<Lines>(pathOf(of), { ...choice, tail }, signal)).lines

/** Every line, oldest first, answer by answer. */
export async function* allLines(
  of: string,
  choice: LogChoice,
  signal: AbortSignal,
): AsyncGenerator<readonly LogLine[]> {
  for (let after: number | undefined; ; ) {
    const { lines, next } = await read<Lines>(pathOf(of), { ...choice, after }, signal)
    yield lines
    if (next === null) return
    after = next
  }
}

/** Where lines come from as they are printed: the last ones first, or those behind a place. */
export const liveLines = (of: string, choice: LogChoice, from: { tail: number } | { after: number }): string =>
  withQuery(pathOf(of), { ...choice, ...from })

/** Where the whole log is, as a text to be kept. */
export const logText = (run: string, choice: LogChoice): string => withQuery(`${pathOf(`runs/${run}`)}/text`, choice)

/** How far a node said it had come. */
export type Progress = { readonly done: number; readonly of?: number | undefined }

export const progressIn = ({ more }: LogLine): Progress | undefined => {
  const said = more?.progress as { readonly done?: unknown; readonly of?: unknown } | null | undefined
  if (typeof said !== 'object' || said === null || typeof said.done !== 'number') return undefined
  return { done: said.done, of: typeof said.of === 'number' ? said.of : undefined }
}
