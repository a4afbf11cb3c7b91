import { Fault, reasonOf } from '#bus/fault'

/** What an engine says of a Dockerfile that it can't read, with the line as far as it tells it; undefined where it says something else. */
export const badDockerfile = (thrown: unknown): Fault | undefined => {
  const [, line, words = ''] = /dockerfile parse error(?: on)?(?: line (\d+))?: (.+)/is.exec(reasonOf(thrown)) ?? []
  if (words === '') return undefined
  const where = line === undefined ? '' : ` at line ${line}`
  return new Fault('build.dockerfile', `The Dockerfile can't be read${where}: ${words.trim()}`, { cause: thrown })
}
