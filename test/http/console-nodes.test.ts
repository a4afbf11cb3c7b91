import type { Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { withConsole } from './console-site.ts'

const stores = ['metadata_store', 'haiku_data_store', 'model_registry', 'plots_store'].map(
  (name) => `root_pipeline/${name}`,
)
const others = ['root_pipeline/retraining', 'leaf_pipeline/shakespeare_eval', 'leaf_pipeline/haiku_eval']

const { addressOf, newPage, open, drop } = withConsole()

beforeAll(() => drop('first.txt'))

test('a run is drawn, and listed, in the order of the graph', async () => {
  const page = await open('/runs')
  await page.getByRole('row', { name: 'root_pipeline/0' }).getByText('succeeded').waitFor()
  const orderOn = async (path: string) => {
    await page.goto(addressOf(path))
    await page.locator('button[data-part="root_pipeline/plots_store"]').waitFor()
    const drawn = await page.locator('button[data-part]').evaluateAll((nodes) => nodes.map((node) => node.dataset.part))
    await page.getByRole('button', { name: 'Show as a list' }).click()
    await page.locator('.frame-list').first().waitFor()
    const listed = await page
      .locator('button[data-part]')
      .evaluateAll((nodes) => nodes.map((node) => node.dataset.part))
    return [drawn, listed].map((parts) => parts.filter((part) => !part?.endsWith('_rpc')))
  }
  const orders = [
    [...stores, ...others],
    [...stores, ...others],
  ]
  expect(await orderOn('/')).toEqual(orders)
  expect(await orderOn('/runs/root_pipeline/0')).toEqual(orders)
})

test('what was noted outside of runs stands in the panel of the metadata store, newest first, as it comes', async () => {
  const page = await open('/?node=root_pipeline/metadata_store')
  const panel = page.getByRole('region', { name: 'Node root_pipeline/metadata_store' })
  await panel.getByText('metadata store', { exact: true }).waitFor()
  expect(await panel.getByText('outside of runs').count()).toBe(0)
  const note = (type: string, data: object) =>
    page.evaluate(
      async (fact) => {
        const headers = { 'Content-Type': 'application/json' }
        return (await fetch('/api/facts', { method: 'POST', headers, body: JSON.stringify(fact) })).ok
      },
      { pipeline: 'root_pipeline', type: `tracking.${type}`, data },
    )
  for (const value of [0.3, 0.4, 0.5]) expect(await note('metric-logged', { key: '<u>drift</u>', value })).toBe(true)
  expect(await note('param-logged', { key: 'owner', value: { name: 'ada' } })).toBe(true)
  const part = (title: string) => panel.locator('section', { hasText: `${title} outside of runs` })
  await part('Params').getByRole('row', { name: 'owner' }).getByText('{"name":"ada"}').waitFor()
  const rows = part('Metrics').locator('> .table-box tbody tr')
  await rows.nth(2).waitFor()
  expect(await rows.locator('td:nth-child(2)').allTextContents()).toEqual(['0.5 ', '0.4 ', '0.3 '])
  expect(await rows.locator('time').count()).toBe(3)
  await part('Metrics').getByRole('figure', { name: 'Chart of <u>drift</u>' }).locator('canvas').waitFor()
  expect(await part('Tags').count()).toBe(0)
  expect(await panel.evaluate((box) => box.scrollWidth > box.clientWidth)).toBe(false)
})

test("a node's own page has the console's clothes, runs nothing but its script, and says moments as the console does", async () => {
  const { page, complaints, close } = await newPage({ timezoneId: 'Asia/Tokyo', colorScheme: 'dark' })
  onTestFinished(close)
  await page.goto(addressOf('/metadata_store'))
  await page.getByRole('row', { name: 'root_pipeline/0' }).getByText('succeeded').waitFor()
  const moment = page.locator('time').first()
  const iso = (await moment.getAttribute('datetime')) ?? ''
  const there = { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'Asia/Tokyo' } as const
  expect(await moment.textContent()).toBe(new Intl.DateTimeFormat('en-US', there).format(new Date(iso)))
  const ground = (at: Page) => at.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  const own = await ground(page)
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).getByText('these keys').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Colours: auto' }).click()
  expect(await ground(page)).not.toBe(own)
  await page.getByRole('button', { name: 'Colours: light' }).click()
  await page.locator('.live[data-state=live]').waitFor()
  await page.getByRole('rowheader').getByRole('link', { name: 'root_pipeline/0' }).focus()
  await drop('second.txt')
  await page.getByRole('row', { name: 'root_pipeline/1' }).getByText('succeeded').waitFor()
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('root_pipeline/0')
  await page.getByRole('link', { name: 'Runs', exact: true }).click()
  await page.locator('.live[data-state=live]').waitFor()
  expect(await ground(page)).toBe(own)
  expect(complaints).toEqual([])
})
