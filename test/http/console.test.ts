import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { isTooWide } from '../browser.ts'
import { withConsole } from './console-site.ts'

const parts = {
  root_pipeline: ['metadata_store', 'haiku_data_store', 'model_registry', 'plots_store', 'retraining'],
  leaf_pipeline: ['shakespeare_eval', 'haiku_eval', 'metadata_store_rpc', 'model_registry_rpc', 'plots_store_rpc'],
}

const { addressOf, newPage, open, drop, killWeb } = withConsole()

const nodeOf = (page: Page, part: string) => page.locator(`button[data-part="${part}"]`)
const stateOf = (page: Page, part: string, state: string) => nodeOf(page, part).locator('.pill', { hasText: state })
/** Marks a page, so that a reload would be seen. */
const mark = (page: Page) => page.evaluate(() => Object.assign(window, { marked: true }))
const isMarked = (page: Page) => page.evaluate(() => 'marked' in window)

test('the graph shows every node of both pipelines, in a frame for each', async () => {
  const page = await open('/')
  for (const [pipeline, nodes] of Object.entries(parts)) {
    await page.locator('.frame', { hasText: pipeline }).waitFor()
    for (const name of nodes) await nodeOf(page, `${pipeline}/${name}`).waitFor()
  }
  expect(await page.locator('button[data-part]').count()).toBe(10)
  // Where there is no portal, nothing of one is to be seen.
  expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual([
    ...['Pipelines', 'Runs', 'Artifacts', 'Hosts'],
  ])
  expect(await page.locator('.whoami').count()).toBe(0)
  expect(await page.locator('.stands-for').count()).toBe(3)
  await stateOf(page, 'root_pipeline/haiku_data_store', 'waiting for files').waitFor()
})

test('states change and a run appears while one watches, in every tab, without a reload', async () => {
  const [graph, runs] = await Promise.all([open('/'), open('/runs')])
  await runs.getByText('No run yet: drop a file into').waitFor()
  await Promise.all([mark(graph), mark(runs)])
  await drop('first.txt', 'An old silent pond\n')
  for (const part of ['root_pipeline/retraining', 'leaf_pipeline/shakespeare_eval', 'leaf_pipeline/haiku_eval'])
    await stateOf(graph, part, 'succeeded').waitFor()
  const row = runs.getByRole('row', { name: 'root_pipeline/0' })
  await row.getByText('succeeded').waitFor()
  await row.getByText('first.txt').waitFor()
  expect(await Promise.all([isMarked(graph), isMarked(runs)])).toEqual([true, true])
})

test("a run's page has its graph and leads to its artifacts, and a preview shows what they hold", async () => {
  const page = await open('/runs')
  await page.getByRole('link', { name: 'root_pipeline/0' }).click()
  await page.getByRole('heading', { name: 'Run root_pipeline/0' }).waitFor()
  await stateOf(page, 'root_pipeline/retraining', 'succeeded').waitFor()
  expect(await page.locator('.timeline > li').count()).toBe(3)
  const evaluation = page.locator('.timeline > li', { hasText: 'shakespeare_eval' })
  await evaluation.getByText(/downloaded model0.txt in \d+\sm?s/).waitFor()
  for (const drawn of ['.timeline-mark[data-what=downloaded]', '.timeline-transfer'])
    expect(await evaluation.locator(drawn).count()).toBe(1)
  await page.getByRole('row', { name: 'shakespeare_loss' }).waitFor()
  await page.getByRole('row', { name: 'plot0.txt' }).waitFor()
  await page.getByRole('row', { name: 'model0.txt' }).filter({ hasText: 'produced' }).getByRole('link').click()
  await page.locator('pre.content', { hasText: 'model 0, trained on:\nAn old silent pond' }).waitFor()
  await page.getByRole('definition').getByText('model_type = LLM').waitFor()
  const why = page.locator('section', { hasText: 'Why it exists' })
  await why.getByRole('link', { name: 'first.txt' }).click()
  await page.getByRole('heading', { name: 'first.txt' }).waitFor()
  const history = page.locator('table', { has: page.getByRole('columnheader', { name: 'SHA-256' }) })
  await history.locator('tbody tr').first().getByText('used').waitFor()
  await history.locator('tbody tr').last().getByText('detected').waitFor()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download', exact: true }).click(),
  ])
  expect(download.suggestedFilename()).toBe('first.txt')
})

test('a name full of markup and new lines is text everywhere, and runs nothing', async () => {
  const name = '<img src=x onerror=alert(1)>\n"\'<script>alert(2)</script>'.replace('/', '-')
  const shown = name.replace('\n', '\\n')
  const page = await open('/runs')
  await drop(name, '<img src=y onerror=alert(3)>')
  await page.getByRole('row', { name: 'root_pipeline/1' }).getByText(shown).waitFor()
  await page.getByRole('link', { name: 'root_pipeline/1' }).click()
  await page.getByRole('link', { name: shown }).first().click()
  await page.getByRole('heading', { name: shown }).waitFor()
  await page.locator('pre.content', { hasText: '<img src=y onerror=alert(3)>' }).waitFor()
  await page.goto(addressOf('/?node=root_pipeline/haiku_data_store'))
  await page.locator('.panel').getByText(shown).waitFor()
  expect(await page.locator('img[src=x], img[src=y], main script').count()).toBe(0)
})

test('a click opens a node, and a link in its panel the next', async () => {
  const page = await open('/')
  await nodeOf(page, 'leaf_pipeline/model_registry_rpc').click()
  const panel = page.getByRole('region', { name: 'Node leaf_pipeline/model_registry_rpc' })
  await panel.getByRole('button', { name: 'model_registry', exact: true }).click()
  await page.getByRole('region', { name: 'Node root_pipeline/model_registry' }).getByText('model0.txt').waitFor()
  await page.reload()
  await page.getByRole('region', { name: 'Node root_pipeline/model_registry' }).getByText('model0.txt').waitFor()
})

test('the whole graph is in sight, also beside a panel, unless somebody has moved or zoomed it', async () => {
  const page = await open('/runs', { viewport: { width: 1280, height: 800 } })
  // Wider than the room beside a panel, at a size that can be read.
  await page.route('**/api/graph', async (route) => {
    const response = await route.fetch()
    const { nodes, edges } = await response.json()
    const last = nodes.find(({ name }: { name: string }) => name === 'retraining')
    const names = ['retraining', 'more', 'evenmore', 'most']
    const added = names.slice(1).map((name) => ({ ...last, name, part: `root_pipeline/${name}` }))
    const after = added.map(({ part }, index) => ({
      source: `root_pipeline/${names[index]}`,
      target: part,
      kind: 'after',
    }))
    await route.fulfill({ response, json: { nodes: [...nodes, ...added], edges: [...edges, ...after] } })
  })
  await page.goto(addressOf('/'))
  const isAllThere = () =>
    page.evaluate(() => {
      const room = document.querySelector('.canvas')?.getBoundingClientRect()
      const frames = [...document.querySelectorAll('.canvas .frame')].map((one) => one.getBoundingClientRect())
      const isIn = ({ left, right }: DOMRect) => room !== undefined && left >= room.left && right <= room.right
      return frames.length === 2 && frames.every(isIn)
    })
  const scale = async () =>
    /scale\(([\d.]+)\)/.exec((await page.locator('.react-flow__viewport').getAttribute('style')) ?? '')?.[1]
  await nodeOf(page, 'root_pipeline/model_registry').click()
  await page.getByRole('region', { name: 'Node root_pipeline/model_registry' }).waitFor()
  await expect.poll(isAllThere).toBe(true)
  const fitting = await scale()
  await page.setViewportSize({ width: 1200, height: 800 })
  await expect.poll(scale).not.toBe(fitting)
  await expect.poll(isAllThere).toBe(true)
  await page.locator('.react-flow__pane').hover({ position: { x: 20, y: 20 } })
  await page.keyboard.down('Control')
  await page.mouse.wheel(0, -200)
  await page.keyboard.up('Control')
  await expect.poll(isAllThere).toBe(false)
  const zoomed = await scale()
  await page.getByRole('button', { name: 'Close' }).click()
  await page.waitForFunction(() => (document.querySelector('.canvas')?.clientWidth ?? 0) > 1000)
  await page.setViewportSize({ width: 1280, height: 800 })
  expect(await scale()).toBe(zoomed)
})

test('a node that is not there is said to be none, with all that are', async () => {
  const page = await open('/?node=root_pipeline/zz')
  await page.getByText('There is no node root_pipeline/zz.').waitFor()
  await page.getByRole('button', { name: 'See all nodes' }).click()
  await page.getByText('There is no node').waitFor({ state: 'detached' })
  expect(new URL(page.url()).search).toBe('')
  await page.goto(addressOf('/runs/root_pipeline/0?node=root_pipeline/zz'))
  await page.getByText('There is no node root_pipeline/zz in root_pipeline/0.').waitFor()
})

test('the keyboard alone opens a node, and comes back to it', async () => {
  const page = await open('/')
  const node = nodeOf(page, 'root_pipeline/retraining')
  await node.waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content')
  const isThere = () => node.evaluate((element) => element === document.activeElement)
  for (let steps = 0; steps < 30 && !(await isThere()); steps++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const panel = page.getByRole('region', { name: 'Node root_pipeline/retraining' })
  await panel.getByText('loads the haikus').waitFor()
  await panel.getByRole('link', { name: '/retraining' }).waitFor()
  await panel.getByRole('link', { name: 'model1.txt' }).waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  expect(await isThere()).toBe(true)
})

test('a run is asked for, and the command line that does the same is shown', async () => {
  const page = await open('/runs')
  await page.getByRole('button', { name: 'Start a run' }).click()
  await page.getByLabel('Message').fill("after Bashō's walk")
  await page.getByText("millrace runs start --message 'after Bashō'\\''s walk'").waitFor()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('status').getByRole('link', { name: 'root_pipeline/2' }).waitFor()
  await page.getByRole('row', { name: 'root_pipeline/2' }).getByText("after Bashō's walk").waitFor()
})

test('a run that is not there is said to be none, with a way to all runs and no second try', async () => {
  const { page, close } = await newPage()
  onTestFinished(close)
  await page.goto(addressOf('/runs/root_pipeline/77'))
  await page.getByText('There is no run root_pipeline/77.').waitFor()
  expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0)
  await page.getByRole('link', { name: 'See all runs' }).click()
  await page.getByRole('row', { name: 'root_pipeline/0' }).waitFor()
})

test('artifacts are listed newest first, each moment with its date', async () => {
  const page = await open('/artifacts/root_pipeline/model_registry')
  await page.getByRole('row', { name: 'model1.txt' }).waitFor()
  expect(await page.locator('tbody th').allTextContents()).toEqual(
    (await page.locator('tbody th').allTextContents()).toSorted().toReversed(),
  )
  expect(await page.locator('tbody time').first().textContent()).toMatch(String(new Date().getFullYear()))
})

test('no screen is wider than a phone', async () => {
  const page = await open('/', { viewport: { width: 360, height: 740 } })
  const ready = {
    '/': 'button[data-part]',
    '/?node=root_pipeline/model_registry': '.panel li',
    '/runs': 'tbody tr',
    '/runs/root_pipeline/1': '.timeline li',
    '/runs/root_pipeline/1/logs?node=root_pipeline/retraining': '.line',
    '/hosts': 'tbody tr',
    '/artifacts': 'tbody tr',
    '/artifacts/root_pipeline/model_registry?path=model1.txt': 'pre.content',
  }
  for (const [path, selector] of Object.entries(ready)) {
    await page.goto(addressOf(path))
    await page.locator(selector).first().waitFor()
    expect([path, await isTooWide(page)]).toEqual([path, false])
  }
})

test('nothing is lost while the web process is away', async () => {
  const { page, complaints, close } = await newPage()
  onTestFinished(close)
  await page.goto(addressOf('/runs'))
  await page.getByRole('row', { name: 'root_pipeline/2' }).getByText('succeeded').waitFor()
  await mark(page)
  killWeb()
  await drop('meanwhile.txt')
  await page.locator('.live[data-state=reconnecting]').waitFor()
  await page.locator('.live[data-state=live]').waitFor()
  const row = page.getByRole('row', { name: 'root_pipeline/3' })
  await row.getByText('meanwhile.txt').waitFor()
  await row.getByText('succeeded').waitFor()
  expect(await isMarked(page)).toBe(true)
  expect(complaints.filter((text) => !text.includes('net::ERR'))).toEqual([])
})
