/** A piece of text on its way: what it says, and how. */
export type Inline =
  | { readonly kind: 'text' | 'code' | 'strong' | 'em' | 'del'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly to: string }
export type Block =
  | { readonly kind: 'heading'; readonly depth: number; readonly inside: readonly Inline[] }
  | { readonly kind: 'paragraph' | 'quote'; readonly inside: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly (readonly Inline[])[])[] }
  | { readonly kind: 'rule' }

/** What stands before a card's text: its metadata, as YAML; and the text. */
export const frontMatterOf = (text: string): { readonly front: string | undefined; readonly body: string } => {
  const [whole, front] = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text) ?? []
  return { front, body: whole === undefined ? text : text.slice(whole.length) }
}

/**
 * Markdown as far as cards use it, as data: whoever draws it makes elements of it, so that HTML in it is text. What is not
 * understood is a paragraph that says itself.
 */
export const blocksOf = (text: string): readonly Block[] => {
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? ''
    const run = (matches: (line: string) => boolean): string[] => {
      const from = at
      while (at < lines.length && matches(lines[at] ?? '')) at++
      return lines.slice(from, at)
    }
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (line.trim() === '') at++
    else if (fence) {
      at++
      blocks.push({ kind: 'code', text: run((one) => !one.trimStart().startsWith(fence)).join('\n') })
      at++
    } else if (heading) {
      blocks.push({ kind: 'heading', depth: heading[1]?.length ?? 1, inside: inlinesOf(heading[2] ?? '') })
      at++
    } else if (/^ {0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      blocks.push({ kind: 'rule' })
      at++
    } else if (/^ {0,3}>/.test(line)) {
      const inside = run((one) => /^ {0,3}>/.test(one)).map((one) => one.replace(/^ {0,3}> ?/, ''))
      blocks.push({ kind: 'quote', inside: inlinesOf(inside.join(' ')) })
    } else if (item.test(line)) {
      const ordered = /^\s*\d/.test(line)
      const items: string[] = []
      for (const one of run((next) => item.test(next) || (/^\s+\S/.test(next) && !isOther(next))))
        if (item.test(one)) items.push(one.replace(item, ''))
        else items.push(`${items.pop() ?? ''} ${one.trim()}`)
      blocks.push({ kind: 'list', ordered, items: items.map(inlinesOf) })
    } else if (isTable(line, lines[at + 1])) {
      const [head = '', , ...rows] = run((one) => one.includes('|'))
      blocks.push({ kind: 'table', rows: [head, ...rows].map((row) => cellsOf(row).map(inlinesOf)) })
    } else {
      // The first line is a paragraph's whatever it looks like: each turn takes one.
      const first = line
      at++
      const rest = run((one) => one.trim() !== '' && !isOther(one) && !item.test(one))
      blocks.push({ kind: 'paragraph', inside: inlinesOf([first, ...rest].join('\n')) })
    }
  }
  return blocks
}

const item = /^\s*(?:[-*+]|\d{1,9}[.)])\s+/
const isOther = (line: string): boolean => /^ {0,3}(#{1,6}\s|>|`{3,}|~{3,})/.test(line)
const isTable = (line: string, next = ''): boolean =>
  line.includes('|') && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(next) && next.includes('|')
const cellsOf = (row: string): readonly string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

const inline =
  /`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|~~([^~]+)~~|\*([^*\s][^*]*)\*|\b_([^_]+)_\b|!?\[([^\]]*)\]\(([^()\s]+)[^()]*\)|<(https?:\/\/[^>\s]+)>/g

const inlinesOf = (text: string): readonly Inline[] => {
  const found: Inline[] = []
  let from = 0
  const say = (upTo: number): void => {
    if (upTo > from) found.push({ kind: 'text', text: text.slice(from, upTo) })
  }
  for (const match of text.matchAll(inline)) {
    const [whole, code, strong, bold, gone, em, slanted, label, to, address] = match
    say(match.index)
    from = match.index + whole.length
    if (code !== undefined) found.push({ kind: 'code', text: code })
    else if (strong ?? bold) found.push({ kind: 'strong', text: strong ?? bold ?? '' })
    else if (gone !== undefined) found.push({ kind: 'del', text: gone })
    else if (em ?? slanted) found.push({ kind: 'em', text: em ?? slanted ?? '' })
    else found.push(linkOf(label || (to ?? address ?? ''), to ?? address ?? ''))
  }
  say(text.length)
  return found
}

/** A link leads out of the console, or nowhere: another kind of address is only told. */
const linkOf = (text: string, to: string): Inline =>
  /^(https?:\/\/|mailto:)/i.test(to) ? { kind: 'link', text, to } : { kind: 'text', text: `${text} (${to})` }
