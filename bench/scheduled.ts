import type { Numbered } from '#contracts/envelope'

/** So many events of one aggregate that ask for a node to be executed. */
export const scheduled = (key: string, count: number): Numbered[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${key}-${index}`,
    type: 'run.node-scheduled',
    version: 1,
    source: 'bench',
    time: new Date(0).toISOString(),
    correlationId: key,
    causationId: key,
    principal: 'bench',
    data: { part: 'bench/node', attempt: 1 },
  }))
