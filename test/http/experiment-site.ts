import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endNodeDecider } from '#agents/experiments/end-node'
import { experimentDecider } from '#agents/experiments/experiment'
import { own } from '#bus/command'
import type { Site } from '#http/site'
import { tokensIn } from '#http/tokens'
import { policy } from '../experiments/story.ts'
import { experimentTeller } from '../projections/experiment-story.ts'
import { folder } from '../projections/story.ts'
import { siteOf } from './site.ts'

export const tokenOf = (name: string): string => `token-of-${name}`
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The lines of a file that lets these people in. */
export const tokenLines = (...names: readonly string[]): string =>
  names.map((name) => `${JSON.stringify({ name, sha256: sha256(tokenOf(name)) })}\n`).join('')

/** A web process with tokens beside a portal: whoever asks says who they are. */
export const experimentSite = async (more: Partial<Pick<Site, 'putSecret'>> = {}) => {
  const file = join(await folder(), 'tokens')
  writeFileSync(file, tokenLines('ada', 'olga', 'oleg', 'carol', 'emil', 'mia', 'stranger'))
  const said: string[] = []
  const tokens = tokensIn(file, (line) => said.push(line))
  const site = await siteOf({ runs: 0, heartbeat: 100, more: { tokens, ...more } })
  const owner = site.hub.connect('portal')
  const { signal } = site.stop
  for (const project of Object.keys(policy.projects))
    own(
      owner,
      experimentDecider(() => policy),
      project,
      signal,
    )
  for (const name of Object.keys(policy.sites))
    own(
      owner,
      endNodeDecider(() => policy),
      name,
      signal,
    )
  const portal = experimentTeller(owner)
  await portal.define()
  await site.caughtUp()

  const as = (name: string, path: string, init: RequestInit = {}) =>
    site.app.request(path, {
      ...init,
      headers: { Authorization: `Bearer ${tokenOf(name)}`, ...(init.headers as Record<string, string>) },
    })
  const sent = async (response: Response | Promise<Response>) => {
    const { status, headers } = await response
    const text = await (await response).text()
    const body = text === '' ? undefined : JSON.parse(text)
    return { status, headers, body }
  }
  const get = (name: string, path: string) => sent(as(name, path))
  const send = (name: string, path: string, body: object = {}, method = 'POST') =>
    sent(as(name, path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }))
  return { ...site, portal, owner, as, get, send, file, said }
}
