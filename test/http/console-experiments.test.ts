import { expect, test } from 'vitest'
import { inputOf } from '../../src/http/console/days.ts'
import { isTooWide } from '../browser.ts'
import { hostile, withPortal } from './console-portal.ts'
import { tokenOf } from './experiment-site.ts'

const { newPage, openAs, order, create, addressOf } = withPortal()

test('whoever comes without a token is asked for it where they wanted to be, and told when it is wrong', async () => {
  const { page, complaints } = await newPage()
  await page.goto(addressOf('/inbox'))
  await page.getByLabel('Token').fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('Nobody is known here by that token.').waitFor()
  await page.getByLabel('Token').fill(` ${tokenOf('olga')} `)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Inbox' }).waitFor()
  await page.locator('.whoami').getByText('operator').waitFor()
  expect(await page.getByRole('link', { name: 'olga' }).count()).toBe(1)
  expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual([
    ...['Experiments', 'Inbox', 'Sites', 'Hosts'],
  ])
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Token').waitFor()
  expect((await page.request.get(addressOf('/api/me'))).status()).toBe(401)
  // The browser itself tells its console of the one wrong token.
  expect(complaints.filter((text) => !text.includes('401'))).toEqual([])
})

test('whoever is signed in no longer is asked again at the next thing that they do', async () => {
  const page = await openAs('carol', '/experiments')
  await page.context().clearCookies()
  // The page may have noticed by itself, and then has no such link any more.
  await page.evaluate(() => document.querySelector<HTMLElement>('nav a[href="/sites"]')?.click())
  await page.getByLabel('Token').waitFor()
})

test('the list is narrowed by what its address says, and searched', async () => {
  await create('rover-first1', 'Sampling at dawn')
  await create('rover-second', `Mapping ${hostile}`)
  await order('carol', 'rover-second', 'initiate')
  await create('strict-third3', 'Close to people', {}, 'mia')
  const page = await openAs('ada', '/experiments')
  const rows = page.locator('tbody tr')
  await rows.nth(2).waitFor()
  const row = (name: string) => rows.filter({ hasText: name })
  await row('rover-first1').getByText('Idle · idle').waitFor()
  await row('rover-first1').getByText('waits for its user to initiate it').waitFor()
  await row('rover-second').getByText('Development · deploying').waitFor()
  await row('rover-second').getByText('built').waitFor()
  await row('rover-second').getByText(hostile).waitFor()
  await row('strict-third3').getByText('waits for an administrator to approve it').waitFor()
  await page.getByLabel('Waits for').selectOption('operator')
  await row('rover-first1').waitFor({ state: 'detached' })
  expect(new URL(page.url()).search).toBe('?waitsFor=operator')
  await page.getByLabel('Project').selectOption('strict')
  await page.getByText('No experiment is like that.').waitFor()
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.keyboard.press('/')
  await page.getByRole('searchbox').fill('AT DAWN')
  await row('rover-second').waitFor({ state: 'detached' })
  expect(await rows.count()).toBe(1)
  // What happens elsewhere is seen at once.
  await order('carol', 'rover-first1', 'initiate')
  await row('rover-first1').getByText('Development · deploying').waitFor()
})

test('nobody sees what is of others, nor is it there for whoever guesses its address', async () => {
  await create('strict-hidden', 'Not for everybody', {}, 'mia')
  const page = await openAs('carol', '/experiments')
  await page.getByRole('link', { name: 'New experiment' }).waitFor()
  expect(await page.getByText('strict-hidden').count()).toBe(0)
  await page.goto(addressOf('/experiments/strict-hidden'))
  await page.getByText('There is no experiment strict-hidden that you may see.').waitFor()
  const stranger = await openAs('stranger', '/experiments')
  await stranger.getByText('The portal knows nobody of your name').waitFor()
})

test('a user has no button of an operator, and asking past the page is refused', async () => {
  await create('rover-rights', 'Rights')
  await order('carol', 'rover-rights', 'initiate')
  const operator = await openAs('olga', '/experiments/rover-rights')
  await operator.getByRole('button', { name: 'Move to the testbed' }).waitFor()
  const page = await openAs('carol', '/experiments/rover-rights')
  await page.getByText('It waits for an operator to move it to the testbed.').waitFor()
  const names = await page.locator('.page-head button, .page-head a').allTextContents()
  expect(names).toEqual(['Terminate', 'Set the cloud link', 'Change it', 'Experimenters', 'Clone'])
  const answer = await page.evaluate(async () => {
    const response = await fetch('/api/experiments/rover-rights/move-to-testbed', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ nodes: ['north/one'] }),
    })
    return { status: response.status, ...((await response.json()) as { code: string }) }
  })
  expect(answer).toMatchObject({ status: 403, code: 'refused.not-allowed' })
})

test('a node is reserved on the calendar, what overlaps is told, and it is removed again', async () => {
  const page = await openAs('olga', '/sites')
  const site = page.getByRole('region', { name: 'Site north' })
  await site.getByText('here').first().waitFor()
  await site.getByRole('row', { name: 'two' }).getByText('Rover').waitFor()
  await site.getByText('2 GiB of 100 GiB free: nearly full, make room').waitFor()
  await site.getByRole('row', { name: 'two' }).getByText('not known').waitFor()
  await page.getByRole('button', { name: 'Reserve a node' }).click()
  await page.getByLabel('End node').selectOption('south/four')
  await page.getByLabel('Project').selectOption('rover')
  await page.getByLabel('From').fill(inputOf(Date.now() - 3_600_000))
  await page.getByLabel('Note').fill(hostile)
  await page.getByRole('button', { name: 'Reserve', exact: true }).click()
  await page.locator('.calendar-span', { hasText: 'rover' }).waitFor()
  await page.getByText(/^Site server .* nodes free, 1 of them reserved now/).waitFor()
  await page
    .getByRole('region', { name: 'Site south' })
    .getByText(/reserved for rover until /)
    .waitFor()
  const row = page.getByRole('row', { name: 'south/four' })
  await row.getByText(hostile).waitFor()
  await page.getByRole('button', { name: 'Reserve a node' }).click()
  await page.getByRole('button', { name: 'Reserve', exact: true }).click()
  await page.getByRole('alert').getByText('south/four is kept free for rover').waitFor()
  await row.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('button', { name: 'Remove the reservation' }).click()
  await page.getByText('No node is kept free in these two weeks.').waitFor()
})

test('one’s own preferences are kept, and what is wrong with them is told beside the field', async () => {
  const page = await openAs('carol', '/me')
  await page.getByLabel('Mail').fill('nowhere')
  await page.getByRole('button', { name: 'Keep it' }).click()
  await page.locator('.field', { hasText: 'Mail' }).locator('.wrong').waitFor()
  await page.getByLabel('Mail').fill('carol@example.org')
  await page.getByLabel('every step').check()
  await page.getByRole('button', { name: 'Keep it' }).click()
  await expect
    .poll(() => page.request.get(addressOf('/api/me')).then((one) => one.json()))
    .toMatchObject({
      preferences: { mail: 'carol@example.org', occasions: ['waits-for-me', 'failed', 'finished', 'step'] },
    })
})

test('nothing is wider than a telephone, and the keys lead everywhere', async () => {
  const page = await openAs('olga', '/experiments', { viewport: { width: 390, height: 800 } })
  for (const [key, title] of [
    ['i', 'Inbox'],
    ['s', 'Sites'],
    ['e', 'Experiments'],
  ] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    expect([title, await isTooWide(page)]).toEqual([title, false])
  }
})
