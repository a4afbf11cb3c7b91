import { Fault } from '#bus/fault'
import { jsonLines } from './json-lines.ts'
import { withoutColour } from './plain.ts'

/** So many of its last lines say why a build failed. */
const lastLines = 10

/** Says the log of a build line by line; rejects with its end where it failed. */
export const hearBuild = async (stream: AsyncIterable<Buffer>, say: (line: string) => void): Promise<void> => {
  let [step, rest]: [string, string] = ['', '']
  const last: string[] = []
  const hear = (said: string) => {
    const line = withoutColour(said) // Engines put some around what is said on stderr.
    if (/^Step \d+\/\d+ : /.test(line)) {
      step = line
      last.length = 0 // What earlier steps said is not why this one failed.
    } else if (!/^( ---> |Removing intermediate container )/.test(line)) last.push(line)
    if (last.length > lastLines) last.shift()
    say(line)
  }
  for await (const { stream: text, error, status, id } of jsonLines(stream)) {
    if (typeof error === 'string') {
      if (rest.trim()) hear(rest)
      const said = last.length > 0 ? `. It said last:\n${last.join('\n')}` : ''
      const advice = /No module named pip/.test(said)
        ? "\nThe image that it begins with has no pip: name one that has it as 'base' in the site's file, or bring a Dockerfile"
        : ''
      throw new Fault('build.failed', `The build failed at '${step || 'its beginning'}': ${error}${said}${advice}`)
    }
    if (typeof text === 'string') {
      const lines = (rest + text).split(/\r?\n/)
      rest = (lines.pop() ?? '').slice(-65_536)
      for (const line of lines) if (line.trim()) hear(line)
    } else if (typeof status === 'string' && !/ing$/.test(status)) hear(id ? `${id}: ${status}` : status)
  }
  if (rest.trim()) hear(rest)
}
