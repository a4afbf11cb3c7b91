import { splitPart } from '#contracts/names'

/** How much of why a node did not succeed is said of its run, in characters: the node has all of it. */
const mostSaid = 300

type Broken = { readonly part: string; readonly reason: string | null }

/** Of how many nodes that is said. */
const mostNamed = 5

/** Why a run failed: nodes that did not succeed, each with the beginning of its reason. */
export const whyFailed = (failed: readonly string[], nodes: readonly Broken[]): string => {
  const said = failed.slice(0, mostNamed).map((part) => {
    const reason = (nodes.find((node) => node.part === part)?.reason ?? '').trim().replaceAll(/\s*\n\s*/g, ' ')
    const short = reason.length > mostSaid ? `${reason.slice(0, mostSaid)} …` : reason
    return short === '' ? part : `${part}: ${short}`
  })
  const more = failed.length - said.length
  return [...said, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

type Executing = { readonly host: string; readonly began: number }

/** Why an execution is begun again though no result of the one before is known; `hostSince` is where its host was started. */
export const whyAgain = (before: Executing, host: string, hostSince: number | undefined): string => {
  if (before.host !== host) return `${host} took over from ${before.host}`
  return hostSince !== undefined && hostSince > before.began
    ? `${host} was started again`
    : `its process on ${host} was killed, or was not heard of`
}

/** What a node waits for. */
export const waitOf = (part: string, kind: string, before: readonly string[], join?: string): string | null => {
  if (kind === 'unknown') return `waiting for its pipeline: nobody has defined ${splitPart(part).pipeline} yet`
  if (before.length === 0) return null
  return `waiting for ${join === 'any' && before.length > 1 ? 'one of ' : ''}${before.join(', ')}`
}
