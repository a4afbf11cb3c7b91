import type { GraphNode } from './api.ts'
import { durationOf } from './text.ts'

/** A length that somebody chose, without what it has not. */
const lengthOf = (milliseconds: number): string =>
  durationOf(milliseconds)
    .replace(/\.0(?=\ss$)/, '')
    .replace(/ 0\s(s|min)$/, '')

type Policies = Pick<GraphNode, 'kind'> & {
  readonly [Name in 'join' | 'retry' | 'timeout' | 'concurrency']?: GraphNode[Name] | undefined
}

/** How a run treats a node, in words; what is usual is said as well, so that one sees that it is. */
export const policiesOf = ({
  kind,
  join,
  retry,
  timeout,
  concurrency,
}: Policies): readonly (readonly [string, string])[] => {
  if (kind !== 'action') return []
  const delays =
    retry && `after ${lengthOf(retry.delay)}, each time ${retry.factor} × as long, ${lengthOf(retry.most)} at most`
  return [
    ['Starts', join === 'any' ? 'once one before it has succeeded' : 'once all before it have succeeded'],
    ['Retries', retry ? `up to ${retry.times}, ${delays}` : 'none'],
    ['Timeout', timeout === undefined ? 'none' : lengthOf(timeout)],
    ['At once', concurrency === undefined ? 'one execution' : `${concurrency} executions`],
  ]
}
