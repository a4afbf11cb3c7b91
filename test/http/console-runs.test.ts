import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { isTooWide } from '../browser.ts'
import { lab, withConsole } from './console-site.ts'

const { addressOf, open, drop, release } = withConsole(lab)

/** The first run fails; the second waits until it is released. */
beforeAll(async () => {
  await drop('first.txt', 'fail')
})

const hostile = 'img[src=x], img[src=y], img[src=z], main script, .line b, .note b, figure u, .stacking i'
const rowOf = (page: Page, run: string) => page.getByRole('row', { name: run })

test('a failed run tells first which node failed, how, why, and what it printed last', async () => {
  const page = await open('/runs/lab/0')
  const failure = page.getByRole('region', { name: 'Failure of lab/train' })
  await failure.getByText('lab/train failed').waitFor()
  await failure.getByText('the loss is no number\n<img src=z onerror=alert(4)>').waitFor()
  const last = failure.getByRole('log')
  await last.getByText('line 40 of 40').waitFor()
  expect(await last.locator('.line').last().textContent()).toMatch('the loss is <b>no number</b>')
  expect(await last.locator('.ansi-red').textContent()).toBe('the loss')
  const top = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((one) => one.getBoundingClientRect().top)
  expect(await top('.page-head button')).toBeLessThan(await top('.failure'))
  await page.locator('.page-head').getByRole('button', { name: 'Run again' }).waitFor()
  expect(await top('.failure')).toBeLessThan(await top('.facts'))
  expect(await top('.facts')).toBeLessThan(await top('.graph-view'))
})

test('its log is there as it was: of the node that failed, at its end, searched, filtered, as a file', async () => {
  const page = await open('/runs/lab/0')
  const log = page.getByRole('log', { name: 'Log of lab/train' })
  await log.getByText('line 40 of 40').waitFor()
  expect(await log.evaluate((box) => box.scrollTop + box.clientHeight >= box.scrollHeight - 8)).toBe(true)
  await page.getByRole('link', { name: 'on a page of its own' }).click()
  await page.getByRole('heading', { name: 'Log of run lab/0' }).waitFor()
  await page.getByLabel('Search').fill('LINE 7 ')
  await page.getByText('1 of 42 lines').waitFor()
  expect(await page.locator('mark').textContent()).toBe('line 7 ')
  await page.getByLabel('Search').fill('')
  await page.getByLabel('Level').selectOption('error')
  await page.getByText('1 line', { exact: true }).waitFor()
  await page.getByLabel('Level').selectOption('')
  await page.getByLabel('Node').selectOption('')
  await page.locator('.line', { hasText: 'prepared' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/runs/lab/0/logs')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('lab-0.log')
})

test('a metric is a chart, and what is no number is said, marked, and in its table', async () => {
  const page = await open('/runs/lab/0')
  const chart = page.getByRole('figure', { name: 'Chart of <u>loss</u>' })
  await chart.locator('canvas').waitFor()
  await chart.getByText('No number: NaN at step 2, Infinity at step 4.').waitFor()
  await chart.getByText('As a table').click()
  await chart.getByRole('row').getByRole('cell', { name: 'Infinity', exact: true }).waitFor()
  expect(await chart.locator('details tbody tr').count()).toBe(6)
  const legend = chart.locator('.u-legend')
  expect(await legend.locator('.u-value').allTextContents()).toEqual(['last', '0.25'])
  await chart.locator('.u-over').hover()
  await legend.getByText(/^(2|1|0\.5|0\.25)$/).waitFor()
})

test('whatever is printed, measured, tagged or given as a reason is text', async () => {
  const page = await open('/runs/lab/0')
  await page.getByRole('row', { name: '<b>rate</b>' }).getByText('<img src=x onerror=alert(1)>').waitFor()
  await page.getByRole('row', { name: '<i>kind</i>' }).getByText('<script>alert(2)</script>').waitFor()
  await page.locator('.line', { hasText: 'training with <img src=y onerror=alert(3)>' }).first().waitFor()
  expect(await page.locator(hostile).count()).toBe(0)
  expect(await isTooWide(page)).toBe(false)
})

test('the log of a running node goes on while one reads it, and a bar says how far it has come', async () => {
  await drop('second.txt', 'wait')
  const page = await open('/runs')
  await rowOf(page, 'lab/1').getByRole('link').click()
  const log = page.getByRole('log', { name: 'Log of lab/train' })
  await log.getByText('tick 3', { exact: true }).waitFor()
  await page.getByText(/lines, live$/).waitFor()
  await page.locator('.log-progress progress').waitFor()
  await page.locator('.timeline-axis').getByText('now').waitFor()
  await page.getByLabel('Follow').uncheck()
  await log.evaluate((box) => box.scrollTo(0, 0))
  const before = await page.locator('.log-foot output').textContent()
  await page.waitForFunction((text) => document.querySelector('.log-foot output')?.textContent !== text, before)
  expect(await log.evaluate((box) => box.scrollTop)).toBe(0)
  await release()
  await page.locator('h1 + .pill', { hasText: 'succeeded' }).waitFor()
  await page.locator('.timeline > li', { hasText: 'publish' }).getByText('succeeded').waitFor()
  await page.getByRole('log', { name: 'Log of lab/1' }).getByText('published').waitFor()
  expect(await page.getByLabel('Node').inputValue()).toBe('')
})

test('a word in a timeline is there whole or not at all', async () => {
  const page = await open('/runs/lab/0')
  const bar = page.locator('.timeline-track .timeline-bar', { hasText: 'queued' }).first()
  await bar.waitFor()
  const seen = (width: number) =>
    bar.evaluate((one, wide) => {
      one.style.width = `${wide}px`
      const [room, word] = [one.getBoundingClientRect(), one.querySelector('span')?.getBoundingClientRect()]
      if (!word || word.top >= room.bottom - 2) return 'not at all'
      return word.right <= room.right ? 'whole' : 'cut'
    }, width)
  const found = await Promise.all([200, 100, 40, 20, 3].map(seen))
  expect(found).toEqual(['whole', 'whole', 'not at all', 'not at all', 'not at all'])
  expect(await bar.getAttribute('title')).toMatch(/^queued /)
})

test('a hundred thousand lines are read to their first, searched, and never all in the page', async () => {
  const page = await open('/runs')
  const lineAt = (index: number) => ({
    place: Math.floor(index / 100) + 1,
    at: new Date(index).toISOString(),
    level: 'info',
    text: `number ${index} ${'of many '.repeat(index % 40)}`,
    part: 'lab/train',
    attempt: 1,
    delivery: 1,
  })
  const some = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => lineAt(from + at))
  await page.route('**/api/runs/lab/0/logs?*', async (route) => {
    const said = new URL(route.request().url()).searchParams
    const from = Number(said.get('after') ?? 0) * 100
    const to = Math.min(from + 10_000, 100_000)
    const lines = said.has('tail') ? some(100_000 - Number(said.get('tail')), 100_000) : some(from, to)
    await route.fulfill({ json: { lines, next: said.has('tail') || to === 100_000 ? null : to / 100 } })
  })
  await page.goto(addressOf('/runs/lab/0/logs?node=lab/train'))
  await page.locator('.line', { hasText: 'number 99999' }).waitFor()
  await page.getByRole('button', { name: 'Show all from the beginning' }).click()
  await page.getByText('100,000 lines', { exact: true }).waitFor()
  // Whoever read the end still does.
  await page.locator('.line', { hasText: 'number 99999' }).waitFor()
  const log = page.getByRole('log')
  for (const place of [0.5, 0.1, 0.9, 0]) {
    await log.evaluate((box, at) => box.scrollTo(0, box.scrollHeight * at), place)
    await page.waitForFunction(() => {
      const box = document.querySelector('.lines')?.getBoundingClientRect()
      const isThere = ({ top, bottom }: DOMRect, y: number) => top <= y && bottom >= y
      const at = (y: number) =>
        [...document.querySelectorAll('.line')].some((one) => isThere(one.getBoundingClientRect(), y))
      return box !== undefined && at(box.top + 20) && at(box.bottom - 20)
    })
  }
  await page.locator('.line', { hasText: 'number 0 ' }).waitFor()
  expect(await page.locator('.line').count()).toBeLessThan(500)
  await page.getByLabel('Search').fill('number 55555 ')
  await page.getByText('1 of 100,000 lines').waitFor()
})
