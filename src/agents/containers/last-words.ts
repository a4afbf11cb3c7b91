import type { DockerCli } from './docker-cli.ts'
import type { Ending } from './ending.ts'
import { plain } from './plain.ts'

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
    .map((line) => cut(plain(line.replace(stamp, ''))))
    .filter((line) => line !== '')
    .slice(-mostLines)
  return lines.length === 0 ? ending : { ...ending, reason: `${ending.reason}; it said last:\n${lines.join('\n')}` }
}

const timeOf = (line: string): string => stamp.exec(line)?.[1] ?? ''

const cut = (text: string): string =>
  text.length > longestLine ? `${text.slice(0, longestLine).toWellFormed()} …` : text
