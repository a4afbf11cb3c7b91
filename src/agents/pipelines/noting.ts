import { setTimeout as delay } from 'node:timers/promises'
import { isDefined } from '#bus/post'
import type { By } from '#contracts/artifact'
import { splitPart } from '#contracts/names'
import type { Nodes } from './services.ts'

/** How long whoever notes something waits to hear whether there is the pipeline that it is about, in milliseconds. */
const patience = 1_000

/** What something that is noted is about: a run, or another pipeline than that of the run; and who notes it. */
type About = { readonly run: string; readonly by: By } | { readonly pipeline: string; readonly by: By }

/**
 * Notes what an execution says through its metadata stores and clients. It is of the run, through whatever stands for the
 * metadata of the pipeline that keeps it, or of the node's own; through a client of another pipeline's it is of that one. The
 * host of that pipeline may be away; where nobody has defined it, that is said once.
 */
export const notingFor = (
  { bus, metadata, isAlone = false }: Pick<Nodes, 'bus' | 'metadata' | 'isAlone'>,
  by: By,
  warn: (message: string) => void,
) => {
  const own = [by.run, by.part].map((named) => splitPart(named).pipeline)
  const looked = new Set<string>()

  const look = async (pipeline: string): Promise<void> => {
    if (!(await isDefined(bus, pipeline)))
      warn(`Nobody has defined a pipeline ${pipeline}: what is logged about it starts no run`)
  }

  /** Posts what is about the run or the pipeline that a node stands for. */
  return async (node: string, post: (about: About) => void): Promise<void> => {
    const { pipeline } = splitPart(metadata.get(node) ?? by.run)
    if (isAlone || own.includes(pipeline)) return post({ run: by.run, by })
    post({ pipeline, by })
    if (looked.has(pipeline)) return
    looked.add(pipeline)
    const looking = look(pipeline).catch(() => undefined)
    await Promise.race([looking, delay(patience, undefined, { ref: false })])
  }
}
