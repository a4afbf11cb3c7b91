import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { contentQuery, imageTypeOf, isMarkdown, mostShown, prettyJson, separatorOf, textIn } from './content.ts'
import { MarkdownView } from './markdown-view.tsx'
import { PreviewImage } from './preview-image.tsx'
import { PreviewTable } from './preview-table.tsx'
import { ProblemNote } from './problem-note.tsx'
import { sizeOf, visibleLines } from './text.ts'

type Props = { readonly address: string; readonly path: string; readonly digest: string; readonly size: number | null }

/** Beyond this size nobody is made to hand a file over unasked, in bytes. */
const unasked = 8 * 1024 * 1024

/** What the bytes at an address are, as text, table or image. Nothing in them is ever taken for HTML. */
export const Preview = ({ address, path, digest, size }: Props) => {
  const [isAsked, ask] = useState(size === null || size <= unasked)
  const { data, error, refetch } = useQuery({ ...contentQuery(address, digest), enabled: isAsked })
  if (!isAsked)
    return (
      <button type="button" onClick={() => ask(true)}>
        Show the first {sizeOf(mostShown)}
      </button>
    )
  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!data) return <p className="quiet">Reading …</p>
  if (data.bytes.length === 0) return <p className="quiet">The file is empty.</p>

  const type = imageTypeOf(path)
  if (type && data.whole) return <PreviewImage bytes={data.bytes} type={type} />
  if (type) return <p className="note">The image is larger than {sizeOf(mostShown)}: download it to see it.</p>
  const text = textIn(data)
  if (text === undefined) return <p className="note">These bytes are no text: download them to see them.</p>
  const separator = separatorOf(path)
  return (
    <>
      {!data.whole && <p className="note">Only the first {sizeOf(mostShown)} are shown.</p>}
      {isMarkdown(path) ? (
        <MarkdownView text={text} />
      ) : separator ? (
        <PreviewTable text={text} separator={separator} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <pre className="content" tabIndex={0}>
          {visibleLines(prettyJson(path, text) ?? text)}
        </pre>
      )}
    </>
  )
}
