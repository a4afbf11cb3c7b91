import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { openPage, startBrowser } from '../browser.ts'
import { freePort, millrace, processWith, type Started, stop } from '../processes.ts'

const root = join(import.meta.dirname, '../..')

const example = { config: 'examples/file-transfer', watched: 'root-artifacts/input_artifacts/haiku' }
/** A pipeline whose runs fail, wait and are tried again, as the files say that begin them. */
export const lab = { config: 'test/http/console-lab.ts', watched: 'lab/data' }

/** A config, the example unless said otherwise, with its console and a browser, for all tests of a file. */
export const withConsole = ({ config, watched } = example) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  const drops = join(folder, watched)
  const gate = join(folder, 'gate')

  let port: number
  let up: Started
  let browser: Browser

  beforeAll(async () => {
    buildIfOld()
    port = await freePort(2)
    const state = join(folder, 'state')
    const natsPort = String(await freePort())
    const where = ['--base', folder, '--state', state, '--port', String(port), '--nats-port', natsPort]
    up = millrace(['up', config, ...where, '--no-demonstration'], { MILLRACE_TEST_GATE: gate })
    ;[browser] = await Promise.all([startBrowser(), up.says(/Ctrl-C stops everything/)])
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    if (up) await stop(up)
    rmSync(folder, { recursive: true, force: true })
  })

  const addressOf = (path: string): string => `https://127.0.0.1:${port}${path}`

  /** Opens a page of the console; whatever it complains of fails the test. */
  const open = async (path: string, options: Parameters<typeof openPage>[1] = {}): Promise<Page> => {
    const { page, complaints, close } = await openPage(browser, options)
    onTestFinished(async () => {
      await close()
      expect(complaints).toEqual([])
    })
    await page.goto(addressOf(path))
    await page.locator('.live[data-state=live]').waitFor()
    return page
  }

  const newPage = (options: Parameters<typeof openPage>[1] = {}) => openPage(browser, options)
  const drop = (name: string, text = `${name}\n`) => writeFile(join(drops, name), text)
  const killWeb = (): void => {
    process.kill(processWith(`--port ${port}`, ' web ').pid, 'SIGKILL')
  }
  /** Lets whoever waits go on. */
  const release = () => writeFile(gate, '')
  return { addressOf, newPage, open, drop, killWeb, release }
}

/** Builds the console where it is older than what it is made of. */
export const buildIfOld = (): void => {
  const folder = join(root, 'src/http/console')
  const built = join(folder, 'dist/index.html')
  const made = existsSync(built) ? statSync(built).mtimeMs : 0
  const sources = globSync(['*.{ts,tsx,css,html}', 'public/*'], { cwd: folder }).map((file) => join(folder, file))
  if (sources.some((file) => statSync(file).mtimeMs > made))
    execFileSync(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build'], {
      ...{ cwd: root, timeout: 120_000, killSignal: 'SIGKILL' },
    })
}
