import { parseDocument, visit } from 'yaml'
import { reasonOf } from '#bus/fault'
import { bounded, largest, type Mistake, refuse } from './card.ts'

/** Where the Hub finds the front matter: https://github.com/huggingface/huggingface_hub, `REGEX_YAML_BLOCK`. */
const fence = /^(\s*---(?:\r\n|\r|\n))([\S\s]*?)(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$)/

/** What stands between the fences at the top of a card, and what is behind them. A wrong one is one fault that lists every mistake. */
export const splitCard = (what: string, card: string): { readonly metadata: unknown; readonly body: string } => {
  bounded(what, card)
  const [all = '', before = '', yaml] = fence.exec(card) ?? []
  if (yaml === undefined)
    return refuse(what, [
      { field: 'front matter', message: 'is missing; expected --- at the top, YAML, and --- again' },
    ])
  bounded(`${what}'s front matter`, yaml, largest.frontMatter)
  bounded(`${what}'s front matter`, yaml, largest.frontMatter)
  return {
    metadata: fromYaml(what, yaml, before.split('\n').length),
    body: card.slice(all.length).replace(/^\r?\n/, ''),
  }
}

/** YAML 1.2, as the Hub reads it: `no` is Norwegian. No key twice, and aliases only as long as they multiply little. */
const fromYaml = (what: string, yaml: string, firstLine: number): unknown => {
  const mistakes: Mistake[] = []
  try {
    // Errors made pretty, and keys compared by the parser, would take the square of the length.
    const document = parseDocument(yaml, {
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      logLevel: 'error',
    })
    for (const { message, pos } of [...document.errors, ...document.warnings].slice(0, 10))
      mistakes.push({ field: `line ${firstLine + yaml.slice(0, pos[0]).split('\n').length - 1}`, message })
    visit(document, {
      Map: (_, { items }) => {
        const seen = new Set<string>()
        for (const key of items.map((item) => String(item.key)))
          if (seen.has(key)) mistakes.push({ field: key, message: 'is there twice' })
          else seen.add(key)
      },
    })
    if (mistakes.length === 0) return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (thrown) {
    mistakes.push({ field: 'front matter', message: reasonOf(thrown) })
  }
  return refuse(what, mistakes)
}
