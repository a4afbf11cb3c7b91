import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import type { TakeStep } from '#agents/experiments/take-steps'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { ask } from '#bus/command'
import { policy as policyShape } from '#contracts/portal'
import type { ResultList } from '#contracts/result-files'
import { appOf } from '#http/app'
import { loopback } from '#http/guard'
import { startWeb } from '#http/server'
import { tokensIn } from '#http/tokens'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { viewerOf } from '#projections/viewer'
import { openPage, startBrowser } from '../browser.ts'
import { simulate } from '../experiments/simulated.ts'
import { created, madeBy, results } from '../experiments/story.ts'
import { buildIfOld } from './console-site.ts'
import { tokenLines, tokenOf } from './experiment-site.ts'

/** Whatever is said could be taken for HTML. */
export const hostile = '<img src=x onerror=alert(1)>'

const rover = (...capabilities: readonly string[]) => ({ type: 'Rover', capabilities: [...capabilities] })

/** Two sites with different nodes, and people who may different things. */
export const policy = policyShape.parse({
  administrators: ['ada'],
  operators: ['olga', 'oleg'],
  projects: { rover: { members: ['carol', 'emil', 'fay'] }, strict: { members: ['mia'], approval: true } },
  gitHosts: ['git.example'],
  sites: {
    north: { server: 'north', nodes: { one: rover('lidar'), two: rover() } },
    south: { server: 'south', nodes: { three: rover('lidar'), four: { type: 'Drone' } } },
  },
})

/** A portal with simulated sites, its console over TLS, and a browser, for all tests of a file. */
export const withPortal = () => {
  const stop = new AbortController()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-portal-'))
  const listings = new Map<string, ResultList['sets']>()
  const gate = Promise.withResolvers<void>()
  let bus: Bus
  let browser: Browser
  let url = ''
  let end = async (): Promise<void> => undefined

  /**
   * What its name asks for: to `fail` once as it is built, to `break` its second run, to be `altered` at its site before it is
   * first pulled, or to `hold` runs until it is released.
   */
  const take: TakeStep = async ({ step, experiment, run, say, phase, signal }) => {
    run(['do', step.step, '--part', step.part])
    say(`${step.step} prints ${hostile}`)
    if (step.step === 'build' && step.try === 1 && experiment.name.includes('fail'))
      return { failed: `no space left on device ${hostile}` }
    if (step.step === 'run' && step.run === 2 && experiment.name.includes('break'))
      return { failed: 'it broke', results }
    if (step.step === 'pull' && step.try === 1 && experiment.name.includes('altered'))
      return { failed: 'files/a.csv is altered' }
    if (step.step === 'run' && experiment.name.includes('hold')) {
      phase('fetching-image', `The registry is down ${hostile}`)
      await Promise.race([gate.promise, aborted(signal)])
    }
    signal.throwIfAborted()
    return madeBy(step.step)
  }

  beforeAll(async () => {
    buildIfOld()
    bus = await simulate(policy, stop.signal, take, (id) => listings.get(id) ?? [])
    const file = join(folder, 'tokens')
    writeFileSync(file, tokenLines('carol', 'olga', 'oleg', 'ada', 'mia', 'stranger'))
    const say = () => undefined
    const { signal } = stop
    const follower = await follow({ bus, path: join(folder, 'metadata.db'), projection: metadata, signal, say })
    const viewer = viewerOf(bus, follower)
    const app = appOf({
      ...{ bus, viewer, graphs: [], user: 'nobody', names: loopback, signal, say },
      tokens: tokensIn(file),
      putSecret: async (link) => ({ kind: 'directory', path: link.replace('directory:', '') }),
    })
    const web = await startWeb({ app, host: '127.0.0.1', port: 0, stateDir: folder, signal })
    url = web.url
    end = async () => {
      stop.abort()
      gate.resolve()
      await Promise.all([web.closed, follower.ended])
      viewer.close()
    }
    browser = await startBrowser()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await end()
    rmSync(folder, { recursive: true, force: true })
  })

  const newPage = async (options: Parameters<typeof openPage>[1] = {}) => {
    const opened = await openPage(browser, options)
    onTestFinished(opened.close)
    return opened
  }

  /** Opens a page as somebody who is signed in; what it complains of fails the test, but for refusals. */
  const openAs = async (name: string, path: string, options: Parameters<typeof openPage>[1] = {}): Promise<Page> => {
    const { page, complaints } = await newPage(options)
    onTestFinished(() =>
      expect(complaints.filter((text) => !/status of (?:400|401|403|404|409)/.test(text))).toEqual([]),
    )
    await page.request.post(`${url}/api/session`, { data: { token: tokenOf(name) } })
    await page.goto(`${url}${path}`)
    await page.locator('.live[data-state=live]').waitFor()
    return page
  }

  /** Asks for something as somebody, past every page. */
  const order = async (who: string, id: string, verb: string, data: object = {}) => {
    const scope = id.slice(0, id.lastIndexOf('-'))
    const command = { address: { aggregate: 'experiment', scope, key: id }, type: `experiment.${verb}`, data }
    const answer = await ask(bus, command, { onBehalfOf: who })
    if (!answer.accepted) throw new Error(`${verb} of ${id}: ${answer.detail}`)
  }
  const create = (id: string, name: string, more: Parameters<typeof created>[0] = {}, who = 'carol') =>
    order(who, id, 'create', created({ name, ...more }).data)

  /** Has the portal say which files an experiment has left. */
  const list = (id: string, ...sets: ResultList['sets']) => listings.set(id, sets)

  return { newPage, openAs, order, create, list, release: gate.resolve, addressOf: (path: string) => `${url}${path}` }
}
