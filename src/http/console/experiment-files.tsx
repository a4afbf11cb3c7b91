import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ResultList } from '#contracts/result-files'
import { withQuery } from './ask.ts'
import { resultFilesQuery, resultsQuery } from './experiment-queries.ts'
import { Preview } from './preview.tsx'
import { ProblemNote } from './problem-note.tsx'
import { sizeOf, visible } from './text.ts'

type Props = { readonly experiment: string }
type Set = ResultList['sets'][number]
type File = Set['files'][number]

/** The files of the results that are at the portal, by end node: each with its size and hash, to be looked at and kept. */
export const ExperimentFiles = ({ experiment }: Props) => {
  const { data, error, refetch } = useQuery(resultsQuery(experiment))
  if (error) return <ProblemNote error={error} retry={refetch} />
  return data?.sets.map((set) => <FilesOf key={`${set.site}/${set.node}`} experiment={experiment} set={set} />)
}

const FilesOf = ({ experiment, set: { site, node, run, count } }: Props & { readonly set: Set }) => {
  const { data, error, refetch, fetchNextPage, hasNextPage } = useInfiniteQuery(
    resultFilesQuery(experiment, site, node),
  )
  const sets = data?.pages.flatMap((page) => page.sets) ?? []
  return (
    <section aria-label={`Files of ${site}/${node}`}>
      <h3>
        {site}/{node}, run {run}: {count} {count === 1 ? 'file' : 'files'}
      </h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      <ul className="plain-list">
        {sets
          .flatMap(({ files }) => files)
          .map((file) => (
            <ResultFile key={file.path} {...{ experiment, site, node, file }} />
          ))}
      </ul>
      {hasNextPage && (
        <button type="button" onClick={() => void fetchNextPage()}>
          Show more
        </button>
      )}
      {sets[0]?.refused.map(({ path, reason }) => (
        <p className="note" key={path}>
          {visible(path)} was left behind: {visible(reason)}
        </p>
      ))}
    </section>
  )
}

type Placed = Props & { readonly site: string; readonly node: string; readonly file: File }

const ResultFile = ({ experiment, site, node, file: { path, size, sha256 } }: Placed) => {
  const [isOpen, setOpen] = useState(false)
  const address = withQuery(`/api/experiments/${experiment}/results/content`, { site, node, path })
  return (
    <li>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {visible(path)}
      </button>{' '}
      <span className="quiet">{sizeOf(size)}</span>{' '}
      <a href={address} download>
        Download
      </a>{' '}
      <code className="quiet">{sha256}</code>
      {isOpen && <Preview address={address} path={path} digest={sha256} size={size} />}
    </li>
  )
}
