import { Fault } from '#bus/fault'

/** Tags as a command line has them. */
export const tagsIn = (words: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(words.map(splitTag))

const splitTag = (tag: string): [string, string] => {
  const at = tag.indexOf('=')
  if (at < 1) throw new Fault('contract.tag', `'${tag}' is no tag: use key=value`)
  return [tag.slice(0, at), tag.slice(at + 1)]
}
