import type { DockerCli } from './docker-cli.ts'
import type { Ending } from './ending.ts'

/** So many lines of what a container has said last are told, and so much of each, in characters. */
const [mostLines, longestLine] = [8, 300]

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/

/** How a container ended, with what it said last where it ended by itself: in the order in which that came, as plain text. */
export const withLastWords = async (
  docker: DockerCli,
  id: string,
  ending: Ending,
  signal: AbortSignal,
): Promise<Ending> => {
  if (!ending.byItself || ending.reason === undefined) return ending
  const heard: string[] = []
  const hear = (_: string, line: string) => void heard.push(line)
  // Why it ended is known without them.
  await docker.stream(['logs', '--tail', '20', '--timestamps', id], { signal, hear }).catch(() => undefined)
  signal.throwIfAborted()
  const lines = heard
    .filter((line) => stamp.test(line))
    .toSorted((one, other) => timeOf(one).localeCompare(timeOf(other)))
    .map((line) => plain(line.replace(stamp, '')))
    .filter((line) => line !== '')
    .slice(-mostLines)
  return lines.length === 0 ? ending : { ...ending, reason: `${ending.reason}; it said last:\n${lines.join('\n')}` }
}

const timeOf = (line: string): string => stamp.exec(line)?.[1] ?? ''

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is taken out.
const colour = /\u001b\[[\d;?]*[A-Za-z]/g

/** Without colours, and without anything else that a terminal would act on. */
const plain = (line: string): string => {
  const text = line
    .replaceAll(colour, '')
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trimEnd()
  return text.length > longestLine ? `${text.slice(0, longestLine).toWellFormed()} …` : text
}
