import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, type TestContext, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import type { Recorded } from '#contracts/envelope'
import { eventsOf } from '../events.ts'
import { startNats } from '../nats.ts'
import { millrace, printedBy, processesWith, type Started, stop, temporaryFolders } from '../processes.ts'
import { eventually } from './on-disk.ts'

const newFolder = temporaryFolders()

/** An agent that is killed again and again, at any moment, and started anew. */
const hunted = async (context: TestContext, config: string) => {
  const [nats, folder] = [await startNats(), newFolder()]
  const place = [
    '--nats',
    nats.url,
    '--name',
    'hunted',
    '--base',
    folder,
    '--state',
    join(folder, 'state'),
    '--log-level',
    'debug',
  ]
  const env = { MILLRACE_TEST_SHELF: join(folder, 'shelf') }
  const start = () => printedBy(context, 'agent', millrace(['agent', config, ...place], env))
  let agent: Started = start()
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  return {
    folder,
    facts: async () => (await eventsOf(bus)).filter(({ type }) => type.startsWith('artifact.')),
    ended: async () => (await eventsOf(bus)).filter(({ type }) => type === 'run.succeeded').length,
    /** Kills it so long after it has begun to run its nodes. */
    killAfter: async (milliseconds: number) => {
      await agent.says(/hunted runs/)
      await delay(milliseconds)
      agent.child.kill('SIGKILL')
      await agent.ended
      agent = start()
    },
    end: async () => {
      await agent.says(/hunted runs/)
      expect(await stop(agent)).toBe(0)
      await bus.close()
      await nats.stop()
    },
  }
}

const linesOf = (facts: readonly Recorded[]): string[] =>
  facts.map(({ type, data }) => {
    const { path, tags } = data as { readonly path: string; readonly tags?: object }
    return [type.replace('artifact.', ''), path, ...Object.keys(tags ?? {})].join(' ')
  })

test.concurrent('a host that is killed again and again detects each item of a resource once, and has its bytes', async (context) => {
  const { folder, facts, killAfter, end } = await hunted(context, 'test/agents/resource-config.ts')
  const shelf = join(folder, 'shelf')
  mkdirSync(shelf)
  const names = Array.from({ length: 60 }, (_, i) => `file${i}`)
  for (const [round, wait] of [0, 150, 250, 350, 450, 600].entries()) {
    for (const name of names.slice(10 * round, 10 * round + 10)) writeFileSync(join(shelf, name), `${name}\n`)
    await killAfter(wait)
  }
  await eventually(async () => (await facts()).length >= names.length)
  expect(linesOf(await facts()).toSorted()).toEqual(names.map((name) => `detected ${name}`).toSorted())
  for (const name of names) expect(readFileSync(join(folder, 'mirror', name), 'utf8')).toBe(`${name}\n`)
  await end()
  await eventually(async () => processesWith(folder).length === 0)
}, 120_000)

test.concurrent('a host that is killed again and again saves each model and dataset once, each card once, all tagged', async (context) => {
  const { folder, facts, ended, killAfter, end } = await hunted(context, 'examples/registries/registries.ts')
  const raw = join(folder, 'registry-artifacts/raw')
  mkdirSync(raw, { recursive: true })
  for (let run = 0; run < 4; run++) {
    for (const name of ['a', 'b']) writeFileSync(join(raw, `${name}${run}`), `${name}${run}\n`)
    for (let wait = 50; (await ended()) <= run; wait += 200) await killAfter(wait)
  }
  const made = linesOf(await facts()).filter((line) => !/^(detected|used) /.test(line))
  const pair = (path: string, card: string, ...more: string[]) => [
    ...[`saved ${path}`, `tagged ${[path, ...more, 'card'].join(' ')}`, `saved ${card}`, `tagged ${card} card-of`],
  ]
  const expected = [0, 1, 2, 3].flatMap((run) => [
    ...pair(`words${run}.csv`, `words${run}.csv.croissant.json`),
    ...(run % 3 > 0 ? [`saved model${run}.txt`] : pair(`model${run}.txt`, `model${run}.txt.card.md`, 'model_type')),
  ])
  expect(made.toSorted()).toEqual(expected.toSorted())
  expect(readdirSync(join(folder, 'registry-artifacts/models')).filter((name) => !name.startsWith('.'))).toHaveLength(6)
  await end()
}, 180_000)
