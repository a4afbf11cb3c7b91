import type { Arrival } from './store.ts'

/** Whose execution a file is from: the same one may write it again after it was killed. */
export const originOf = ({ how, by, peer }: Arrival): string =>
  `${how} ${by ? `${by.run} ${by.part}` : (peer ?? 'a script')}`

/** An origin as people say it: `saved root/0 root/train` came from root/train in run root/0. */
export const whoIs = (origin: string): string => {
  const [, run, part] = /^\w+ (\S+) (\S+\/\S+)$/.exec(origin) ?? []
  return part ? `${part} in run ${run}` : origin.replace(/^\w+ /, '')
}

/** How whoever finds a path taken can go on. */
export const adviceFor = ({ how, by }: Arrival): string => {
  if (how === 'saved') return 'To replace it, save with { overwrite: true }'
  if (how === 'downloaded') return 'A download replaces nothing but what was downloaded'
  return by ? 'An upload replaces nothing: give it another name' : 'To replace it: millrace artifacts put --overwrite'
}
