import { hostname } from 'node:os'
import { beforeAll, expect, test } from 'vitest'
import { isTooWide } from '../browser.ts'
import { lab, withConsole } from './console-site.ts'

const { addressOf, open, drop } = withConsole(lab)

beforeAll(() => drop('first.txt', 'fail'))

test('a pipeline is paused and resumed where it is drawn; it says why, and by whom', async () => {
  const page = await open('/')
  const row = page.getByRole('region', { name: 'Pipeline lab' })
  await row.getByRole('button', { name: 'Pause lab' }).click()
  await row.getByLabel('Reason').fill('<b>holidays</b>')
  await row.getByText("millrace pipelines pause lab --reason '<b>holidays</b>'").waitFor()
  await row.getByRole('button', { name: 'Pause the pipeline' }).click()
  await row.getByText('<b>holidays</b> by').waitFor()
  await page.locator('button[data-part="lab/data"]').getByText('paused').waitFor()
  await row.getByRole('button', { name: 'Resume lab' }).click()
  await row.getByText('millrace pipelines resume lab').waitFor()
  await row.getByRole('button', { name: 'Resume the pipeline' }).click()
  await row.getByText('<b>holidays</b>').waitFor({ state: 'detached' })
  await page.locator('button[data-part="lab/data"]').getByText('waiting for files').waitFor()
})

test('runs are narrowed by state, by what began them and by time, and the address keeps it', async () => {
  const page = await open('/runs')
  await page.getByRole('row', { name: 'lab/0' }).getByText('failed', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Start a run' }).click()
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const asked = page.getByRole('row', { name: 'lab/1' })
  await asked.getByText('succeeded').waitFor()
  await asked.getByText('asked for').waitFor()
  const rows = page.locator('tbody tr')
  const isLeft = (run: string) =>
    page.waitForFunction(
      (name) => [...document.querySelectorAll('tbody th')].map((one) => one.textContent).join() === name,
      run,
    )
  await page.getByLabel('State').selectOption('failed')
  await isLeft('lab/0')
  await page.reload()
  await isLeft('lab/0')
  await page.getByRole('button', { name: 'Show all' }).click()
  await isLeft('lab/1,lab/0')
  await page.getByLabel('Because of').selectOption('request')
  await isLeft('lab/1')
  await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00')
  await page.getByText('No run is like that.').waitFor()
  await page.goto(addressOf('/runs?state=timed-out&trigger=nonsense&from=x'))
  await page.getByText('No run is like that.').waitFor()
  expect(await rows.count()).toBe(0)
})

test("a model's card is shown as text with headings, beside its bytes and at its own address", async () => {
  const page = await open('/artifacts/lab/models?path=model1.txt')
  const card = page.locator('section', { hasText: 'About it' })
  await card.getByRole('heading', { name: 'About it' }).waitFor()
  await card.getByText('<script>alert(5)</script>').waitFor()
  expect(await card.locator('strong').textContent()).toBe('small')
  await page.getByRole('definition').getByRole('link', { name: 'model1.txt.card.md' }).click()
  await page.getByRole('definition').getByRole('link', { name: 'model1.txt', exact: true }).waitFor()
  await page.goto(addressOf('/artifacts/lab/models'))
  await page.getByRole('row', { name: 'model1.txt.card.md' }).waitFor()
})

test('hosts say whether they are there, on which machine, since when, and what they run', async () => {
  const page = await open('/hosts')
  const row = page.locator('tbody tr').first()
  await row.getByText('here', { exact: true }).waitFor()
  await row.getByRole('cell', { name: hostname(), exact: true }).waitFor()
  expect(await row.locator('time').first().textContent()).toMatch(String(new Date().getFullYear()))
  await row.getByRole('link', { name: 'lab/train' }).click()
  await page.getByRole('region', { name: 'Node lab/train' }).waitFor()
})

test('every control of a run can be reached and seen by keyboard, and keys lead on', async () => {
  const page = await open('/runs/lab/0')
  await page.locator('.line', { hasText: 'line 40 of 40' }).last().waitFor()
  await page.locator('canvas').waitFor()
  const seen = new Set<string>()
  for (let steps = 0; steps < 120; steps++) {
    await page.keyboard.press('Tab')
    const [name, outline] = await page.evaluate(() => {
      const one = document.activeElement as HTMLElement
      const label =
        (one as HTMLInputElement).labels?.[0]?.textContent ?? one.getAttribute('aria-label') ?? one.textContent
      return [one === document.body ? '' : (label ?? '').trim(), getComputedStyle(one).outlineStyle]
    })
    if (name === '') break
    expect([name, outline]).toEqual([name, 'solid'])
    seen.add(name)
  }
  const named = (word: string) => [...seen].some((name) => name.startsWith(word))
  for (const word of ['Run again', 'Show as a list', 'train', 'Node', 'Level', 'Search', 'Follow', 'Download', 'Keys'])
    expect([word, named(word)]).toEqual([word, true])
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' })
  await page.keyboard.press('/')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search')
  await page.keyboard.type('g?')
  expect(await page.getByLabel('Search').inputValue()).toBe('g?')
  await page.locator('h1').focus()
  for (const [key, title] of Object.entries({ h: 'Hosts', r: 'Runs', a: 'Artifacts', p: 'Pipelines' })) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  }
})

test('no table is cut off where there is room for a window', async () => {
  const page = await open('/', { viewport: { width: 1280, height: 800 } })
  for (const path of ['/hosts', '/runs', '/artifacts/lab/models?path=model1.txt']) {
    await page.goto(addressOf(path))
    await page.locator('tbody tr').first().waitFor()
    const cut = await page
      .locator('.table-box')
      .evaluateAll((boxes) => boxes.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length)
    expect([path, cut]).toEqual([path, 0])
  }
})

test('no screen is wider than a phone', async () => {
  const page = await open('/', { viewport: { width: 400, height: 800 } })
  const ready = {
    '/': 'button[data-part]',
    '/?node=lab/train': '.panel li',
    '/runs': 'tbody tr',
    '/runs/lab/0': 'canvas',
    '/runs/lab/0/logs': '.line',
    '/hosts': 'tbody tr',
    '/artifacts/lab/models?path=model1.txt': '.card-text',
  }
  for (const [path, selector] of Object.entries(ready)) {
    await page.goto(addressOf(path))
    await page.locator(selector).first().waitFor()
    expect([path, await isTooWide(page)]).toEqual([path, false])
  }
})
