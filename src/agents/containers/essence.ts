import { plain } from './plain.ts'

/** What says that something went wrong, in the words of docker and Compose. */
const grave =
  /error|denied|refused|unknown|not found|no such|not exist|failed|invalid|unable|cannot|can't|timeout|unauthorized|no basic auth/i

/** What Compose prints of each service beside the reason. */
const progress = /\.\.\. ?(error|done)?$/

/** Of what a program of Docker has said, the lines that say why: each once, without what tells of progress. All of it where none does. */
export const essenceOf = (words: string): string => {
  const lines = words.split(/[\r\n]+/).flatMap((line) => plain(line).trim() || [])
  const reasons = lines.filter((line) => grave.test(line) && !progress.test(line))
  const all = reasons.length > 0 ? reasons : lines
  return all
    .filter((line, at) => !all.some((other, place) => place !== at && isSaidBy(line, other, place < at)))
    .join('\n')
}

/** Whether another line says the same, or more; of two that are the same the first one stays. */
const isSaidBy = (line: string, other: string, isBefore: boolean): boolean =>
  line === other ? isBefore : other.includes(line)
