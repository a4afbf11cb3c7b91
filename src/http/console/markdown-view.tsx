import { type Block, blocksOf, frontMatterOf, type Inline } from './markdown.ts'
import { visibleLines } from './text.ts'

/** A card: its metadata, and its text with its headings, lists and tables. HTML in it is text. */
export const MarkdownView = ({ text }: { readonly text: string }) => {
  const { front, body } = frontMatterOf(text)
  return (
    <article className="card-text">
      {front !== undefined && <pre className="front">{visibleLines(front)}</pre>}
      {blocksOf(body).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a text have no other order.
        <BlockView key={index} block={block} />
      ))}
    </article>
  )
}

const BlockView = ({ block }: { readonly block: Block }) => {
  switch (block.kind) {
    case 'heading': {
      // The page has headings of its own above these.
      const Heading = `h${Math.min(6, block.depth + 2)}` as 'h3' | 'h4' | 'h5' | 'h6'
      return (
        <Heading>
          <Inlines inside={block.inside} />
        </Heading>
      )
    }
    case 'paragraph':
      return (
        <p>
          <Inlines inside={block.inside} />
        </p>
      )
    case 'quote':
      return (
        <blockquote>
          <Inlines inside={block.inside} />
        </blockquote>
      )
    case 'code':
      return <pre className="content">{visibleLines(block.text)}</pre>
    case 'rule':
      return <hr />
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul'
      return (
        <List>
          {block.items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the items of a list have no other order.
            <li key={index}>
              <Inlines inside={item} />
            </li>
          ))}
        </List>
      )
    }
    case 'table':
      return <TableView rows={block.rows} />
  }
}

const TableView = ({ rows: [head = [], ...rows] }: { readonly rows: readonly (readonly (readonly Inline[])[])[] }) => (
  <div className="table-box">
    <table>
      <thead>
        <tr>
          {head.map((cell, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the cells of a row have no other order.
            <th scope="col" key={index}>
              <Inlines inside={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows of a table have no other order.
          <tr key={index}>
            {row.map((cell, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the cells of a row have no other order.
              <td key={column}>
                <Inlines inside={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const Inlines = ({ inside }: { readonly inside: readonly Inline[] }) =>
  inside.map((one, index) => {
    const text = visibleLines(one.text)
    const key = `${index} ${one.kind}`
    if (one.kind === 'text') return text
    if (one.kind === 'link')
      return (
        <a key={key} href={one.to} rel="noopener noreferrer nofollow" target="_blank">
          {text}
        </a>
      )
    const Kind = one.kind
    return <Kind key={key}>{text}</Kind>
  })
