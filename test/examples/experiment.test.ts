import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { playSensors, startTestbed, type Testbed } from '../../examples/experiment/testbed.ts'
import { openPage, startBrowser } from '../browser.ts'
import { login, startApache } from '../experiments/apache.ts'
import { altered } from '../experiments/seen.ts'
import { buildIfOld } from '../http/console-site.ts'
import { temporaryFolders } from '../processes.ts'
import { startS3 } from '../s3-server.ts'

const newFolder = temporaryFolders()
const folder = newFolder()
const stop = new AbortController()
let [testbed, browser]: [Testbed | undefined, Browser | undefined] = [undefined, undefined]

beforeAll(async () => {
  await buildIfOld()
  testbed = await startTestbed({ folder, secure: true })
  void playSensors(folder, stop.signal)
  browser = await startBrowser()
}, 180_000)

afterAll(async () => {
  stop.abort()
  await browser?.close()
  await testbed?.stop()
}, 60_000)

/** The experiment that a browser has taken its way. */
let first = ''

const bed = (): Testbed => {
  if (!testbed) throw new Error('The testbed is not there')
  return testbed
}

/** A page of somebody who has signed in with their token. */
const openAs = async (who: string, path: string): Promise<Page> => {
  if (!browser) throw new Error('There is no browser')
  const { page } = await openPage(browser)
  await page.goto(`${bed().url}${path}`)
  await page.getByLabel('Token').fill(bed().tokenOf(who))
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
  return page
}

test('a user’s repository goes to machines at two sites and back, an operator pressing what the inbox shows', async () => {
  const { repository, millrace, as } = bed()
  const resource = join(folder, 'resource.yaml')
  writeFileSync(resource, 'nodeType: Rover\ncapabilities: [thermometer]\ncount: 1\nsites: [north, south]\nhours: 1\n')
  const about = ['--project', 'rover', '--name', 'Sampling', '--git', repository, '--resource', resource]
  const made = JSON.parse(
    await millrace('experiment', 'create', ...about, '--cloud', 'directory:carol', ...as('carol'), '--json'),
  )
  const id: string = made.experiment
  first = id
  // The same rights as in the pages hold on the command line: an operator is none of its experimenters.
  await expect(millrace('experiment', 'initiate', id, ...as('olga'))).rejects.toThrow()

  const user = await openAs('carol', `/experiments/${id}`)
  await user.getByRole('button', { name: 'Initiate development', exact: true }).click()
  const upload = user.locator('.track > li', { hasText: 'Upload' }).and(user.locator('[data-reach=done]'))

  const inbox = await openAs('olga', '/inbox')
  // What was pressed rests until it is gone: it is not pressed again.
  const buttons = inbox.locator('.inbox button:enabled')
  const pressed: string[] = []
  const pressAll = async (): Promise<'done'> => {
    while (!(await upload.isVisible())) {
      const button = buttons.first()
      // Whichever comes first: the next button, or the end of it all.
      await Promise.race([button.waitFor({ timeout: 120_000 }), upload.waitFor({ timeout: 120_000 })])
      if (!(await button.isVisible())) continue
      const name = (await button.textContent()) ?? ''
      const answered = inbox.waitForResponse((response) => response.request().method() === 'POST')
      await Promise.all([answered, button.click()])
      pressed.push(name.trim())
    }
    return 'done'
  }
  expect(await pressAll()).toBe('done')
  expect(new Set(pressed)).toEqual(new Set(['Move to the testbed', 'Mark ready', 'Run', 'Submit']))

  for (const place of ['north/one', 'south/three']) {
    const home = join(folder, 'portal/directories/carol', id, place)
    const manifest = JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8'))
    expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual(['plot.svg', 'samples.csv'])
    for (const { path, sha256 } of manifest.files)
      expect(
        createHash('sha256')
          .update(readFileSync(join(home, 'files', path)))
          .digest('hex'),
      ).toBe(sha256)
    expect(readFileSync(join(home, 'files/samples.csv'), 'utf8').trim().split('\n')).toHaveLength(21)
  }
  await user.reload()
  await user.getByRole('button', { name: 'plot.svg' }).first().click()
  await user.getByRole('img', { name: 'What the file holds' }).waitFor()

  const fetched = join(folder, 'fetched')
  await millrace('experiment', 'fetch', id, fetched, ...as('carol'))
  expect(existsSync(join(fetched, 'north/one/samples.csv'))).toBe(true)
  await expect(millrace('experiment', 'fetch', id, join(folder, 'others'), ...as('dave'))).rejects.toThrow()
  const nodes = async (): Promise<{ disk: { total: number } | null }[]> =>
    (await millrace('experiment', 'nodes', '--json', ...as('olga')))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  await expect.poll(async () => (await nodes()).every(({ disk }) => disk && disk.total > 0)).toBe(true)
  expect(await millrace('experiment', 'nodes', ...as('olga'))).toMatch(/iB of .*iB free/)
  const history = await millrace('experiment', 'history', id, ...as('carol'))
  expect(history).toMatch(/carol +development-initiated/)
  expect(history).toMatch(/olga +submitted/)
}, 240_000)

test('the same code, cloned, goes its way by the command line alone, and its results to a bucket and to a WebDAV folder', async ({
  onTestFinished,
}) => {
  const { millrace, as } = bed()
  const buckets = newFolder()
  const [s3, apache] = [await startS3(buckets, ['results']), await startApache(newFolder())]
  onTestFinished(async () => void (await Promise.all([s3.stop(), apache.stop()])))
  const experiment = (who: string, verb: string, ...words: readonly string[]) =>
    millrace('experiment', verb, ...words, ...as(who))
  const { accessKeyId, secretAccessKey } = s3.credentials
  const bucket = `s3://${accessKeyId}:${secretAccessKey}@results/dawn?endpoint=${s3.endpoint}&region=us-east-1`
  const id: string = JSON.parse(await experiment('carol', 'clone', first, '--cloud', bucket, '--json')).experiment
  /** Resolves once each of these places is so far. */
  const until = (state: string, ...parts: readonly string[]) =>
    expect
      .poll(
        async () => {
          const shown: { part: string; state: string; ended: string }[] = JSON.parse(
            await experiment('olga', 'show', id, '--json'),
          ).parts
          return shown.filter(({ part }) => parts.includes(part)).map((one) => one.ended || one.state)
        },
        { timeout: 90_000, interval: 300 },
      )
      .toEqual(parts.map(() => state))
  const [north, south] = ['north/one', 'south/three']

  await experiment('carol', 'initiate', id)
  await until('built', 'north/self', 'south/self')
  await experiment('olga', 'setup', id, '--node', north, '--node', south)
  await until('delivered', north, south)
  await experiment('olga', 'ready', id)
  await experiment('olga', 'run', id)
  await until('cleaned', north, south)
  await experiment('olga', 'submit', id, '--site', 'north')
  await until('done', north)
  const webdav = `webdav+${apache.url.replace('://', `://${login.user}:${login.password}@`)}`
  await experiment('carol', 'set-cloud-link', id, '--cloud', webdav)
  await experiment('olga', 'submit', id, '--site', 'south')
  await until('done', north, south)
  for (const home of [join(buckets, 'results/dawn', id, north), join(apache.served, id, south)]) {
    expect(altered(home)).toEqual([])
    expect(readFileSync(join(home, 'files/samples.csv'), 'utf8').trim().split('\n')).toHaveLength(21)
    expect(readFileSync(join(home, 'files/plot.svg'), 'utf8')).toMatch(/<svg/)
  }
}, 240_000)
