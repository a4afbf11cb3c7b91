import { type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import { reasonOf } from '#bus/fault'

/** What is wrong in a file, and in which of its lines, from 1. */
export type LineMistake = { readonly line: number; readonly message: string }

/** How deep lists and maps may lie in each other. */
const deepest = 16

const lines = new WeakMap<Document, LineCounter>()

/**
 * Reads a text from outside as YAML 1.2: one document of plain values, in which nothing stands for something else and no key
 * is there twice, with so many names and values at most. The caller bounds its size.
 */
export const readYaml = (
  bytes: Uint8Array,
  mostValues: number,
): { readonly document: Document | undefined; readonly mistakes: readonly LineMistake[] } => {
  const mistakes: LineMistake[] = []
  const lineCounter = new LineCounter()
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    // Errors made pretty, and keys compared by the parser, would take the square of the length.
    const options = {
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      logLevel: 'error',
      lineCounter,
    } as const
    const document: Document = parseDocument(text, options)
    lines.set(document, lineCounter)
    const note = (offset: number, message: string) =>
      void mistakes.push({ line: Math.max(1, lineCounter.linePos(offset).line), message })
    for (const { message, pos } of [...document.errors, ...document.warnings]) note(pos[0], message)
    let values = 0
    visit(document, {
      Alias: (_, { range }) => note(range?.[0] ?? 0, 'an alias; expected the value itself'),
      Node: (_, node, path) => {
        const offset = node.range?.[0] ?? 0
        if ('anchor' in node && node.anchor) note(offset, 'an anchor; expected the value alone')
        if (node.tag) note(offset, `the tag ${node.tag}; expected the value alone`)
        if (isMap(node)) noteTwice(node.items, note)
        values++
        if (path.length <= 2 * deepest && values <= mostValues) return undefined
        note(offset, values > mostValues ? `holds more than ${mostValues} names and values` : 'is nested too deep')
        return visit.BREAK
      },
    })
    return { document, mistakes: mistakes.toSorted((a, b) => a.line - b.line) }
  } catch (thrown) {
    const deep = thrown instanceof RangeError // The stack has an end.
    const message = deep ? 'is nested too deep' : `expected YAML in UTF-8: ${reasonOf(thrown)}`
    return { document: undefined, mistakes: [{ line: 1, message }] }
  }
}

const noteTwice = (items: readonly { readonly key: unknown }[], note: (offset: number, message: string) => void) => {
  const seen = new Set<string>()
  for (const { key } of items) {
    if (seen.has(String(key))) note((isNode(key) && key.range?.[0]) || 0, `${String(key)}: is there twice`)
    seen.add(String(key))
  }
}

/** Gives the line of a value that was read, by its path: of a missing one, that of what it is missing in. */
export const linesOf =
  (document: Document) =>
  (path: readonly PropertyKey[]): number => {
    let node: unknown = document.contents
    let offset = 0
    for (const key of [undefined, ...path]) {
      if (key !== undefined) node = isMap(node) ? pairOf(node, key) : isSeq(node) ? node.items[Number(key)] : undefined
      const shown = isPair(node) ? node.key : node
      if (!isNode(shown)) break
      offset = shown.range?.[0] ?? offset
      if (isPair(node)) node = node.value
    }
    return Math.max(1, lines.get(document)?.linePos(offset).line ?? 1)
  }

const pairOf = (map: { readonly items: readonly unknown[] }, key: PropertyKey) =>
  map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key))
