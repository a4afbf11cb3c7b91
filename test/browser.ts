import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The machine's own Chromium. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : 'chromium',
    args: quiet,
  })

/** Chromium gives up what is under way whenever a network comes or goes, as those of containers do beside these tests. */
const ofMachine = 'net::ERR_NETWORK_CHANGED'

/** A page, and whatever it complains of: errors, what its policy forbade, what should never have run. */
export const openPage = async (browser: Browser, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  const page = await context.newPage()
  let isTorn = false
  page.on('requestfailed', (request) => {
    isTorn ||= request.failure()?.errorText.includes(ofMachine) ?? false
  })
  const goto = page.goto.bind(page)
  page.goto = async (...at) => {
    for (let left = 5; ; left--) {
      isTorn = false
      const found = await goto(...at).catch((cause: unknown) => {
        if (!String(cause).includes(ofMachine)) throw cause
        isTorn = true
        return null
      })
      if (!isTorn || left === 0) return found // Else it has come without all that belongs to it.
    }
  }
  const complaints: string[] = []
  page.on('console', (message) => {
    const isOurs = !message.text().includes(ofMachine)
    if (isOurs && ['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', async (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    await dialog.dismiss()
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`The policy forbids ${blockedURI} by ${violatedDirective}`),
    )
  })
  return { page, complaints, close: () => context.close() }
}

/** Whether the page is wider than its window. */
export const isTooWide = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
