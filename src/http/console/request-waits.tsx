import { useQuery } from '@tanstack/react-query'
import { Fragment } from 'react'
import { Link } from './link.tsx'
import { definitionsQuery, openRunsQuery, pausesQuery } from './queries.ts'
import { runAddress } from './router.ts'
import { visible } from './text.ts'

type Props = {
  readonly pipeline: string
  /** A metric asked for it: it waits for whatever else a run begins with. */
  readonly byMetric?: boolean
}

/** Why no run begins in a pipeline: it is paused, or its slots are held. */
export const RequestWaits = ({ pipeline, byMetric = false }: Props) => {
  const { data: pauses } = useQuery(pausesQuery)
  const { data: definitions } = useQuery(definitionsQuery)
  const { data: running } = useQuery(openRunsQuery('running'))
  const { data: paused } = useQuery(openRunsQuery('paused'))
  const { data: cancelling } = useQuery(openRunsQuery('cancelling'))
  const pause = pauses?.items.find((one) => one.pipeline === pipeline)
  if (pause) return `it waits because ${pipeline} is paused: ${visible(pause.reason ?? '')}`
  if (!running || !paused || !cancelling) return '…'
  const slots = definitions?.items.find(({ graph }) => graph.pipeline === pipeline)?.graph.concurrency ?? 1
  const open = [running, paused, cancelling]
    .flatMap((page) => page?.items ?? [])
    .filter((run) => run.pipeline === pipeline)
  if (open.length < slots)
    return byMetric
      ? 'it begins once every watched store has something for it'
      : 'it begins as soon as the host of its pipeline takes it up'
  return (
    <>
      {slots === 1 ? 'the slot is held by' : `${slots} slots are held by`}{' '}
      {open.map(({ run, state }, index) => (
        <Fragment key={run}>
          {index > 0 && ', '}
          <Link to={runAddress(run)}>{run}</Link>
          {state !== 'running' && `, which is ${state}`}
        </Fragment>
      ))}
    </>
  )
}
