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
