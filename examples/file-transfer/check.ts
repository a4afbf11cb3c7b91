/**
 * Drives the file transfer and checks everything that it leaves: every byte on both machines, every transfer in the log,
 * every run number, the database. Told where the two machines' folders are; ends with an error if anything is off.
 */
import { strict as assert } from 'node:assert'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { get } from 'node:https'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { dropHaiku } from './create_files.ts'

const { values } = parseArgs({
  options: {
    nats: { type: 'string' },
    root: { type: 'string' },
    leaf: { type: 'string' },
    web: { type: 'string' },
    'leaf-web': { type: 'string' },
  },
})
const { nats = 'nats://127.0.0.1:4222', root = import.meta.dirname, leaf = import.meta.dirname } = values
const webs = { root: values.web ?? 'https://127.0.0.1:8000', leaf: values['leaf-web'] ?? 'https://127.0.0.1:8001' }

type By = { readonly run: string; readonly part: string }
type Event = {
  readonly type: string
  readonly position: string
  readonly address: { readonly scope: string; readonly key: string }
  readonly data: { readonly path: string; readonly digest: string; readonly by: By; readonly [key: string]: unknown }
}
type Offer = { readonly after: string; readonly upTo: string; readonly count: number }

const millrace = resolve(import.meta.dirname, '../../bin/millrace.cjs')
const log: Event[] = []
const listeners = new Set<() => void>()
const tail = spawn(process.execPath, [millrace, 'tail', '--from', 'start', '--json', '--nats', nats], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
createInterface({ input: tail.stdout }).on('line', (line) => {
  log.push(JSON.parse(line) as Event)
  for (const listener of listeners) listener()
})

/** Resolves once the log holds what is looked for; fails after a minute. */
const until = <T>(what: string, look: () => T | undefined | false): Promise<T> =>
  new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`Not within a minute: ${what}`)), 60_000)
    const listen = () => {
      const found = look()
      if (!found) return
      clearTimeout(timer)
      listeners.delete(listen)
      done(found)
    }
    listeners.add(listen)
    listen()
  })

tail.once('exit', (code) => {
  if (code && !tail.killed) throw new Error(`millrace tail ended with ${code}`)
})

const of = (type: string): Event[] => log.filter((event) => event.type === type)
const sequenceOf = (position: unknown): number => Number(String(position).split('.').at(-1))
const ended = (run: number): boolean => of('run.succeeded').some(({ address }) => address.key === String(run))
const offered = (): number =>
  of('pipeline.run-planned').reduce((sum, { data }) => sum + ((data.offers as Offer[])[0]?.count ?? 0), 0)

const say = (line: string): void => console.log(line)

const checkRun = (run: number): void => {
  const name = `root_pipeline/${run}`
  const only = (type: string, path: string): Event => {
    const found = of(type).filter(({ data }) => data.path === path)
    assert.equal(found.length, 1, `${type} of ${path}: expected once, found ${found.length} times`)
    assert.equal(found[0]?.data.by.run, name, `${type} of ${path} belongs to ${name}`)
    return found[0] as Event
  }
  const [model, plot] = [`model${run}.txt`, `plot${run}.txt`]
  const saved = only('artifact.saved', model)
  const downloaded = only('artifact.downloaded', model)
  const uploaded = only('artifact.uploaded', plot)
  assert.equal(downloaded.data.digest, saved.data.digest)
  assert.equal(downloaded.data.by.part, 'leaf_pipeline/shakespeare_eval')
  assert.equal(uploaded.data.by.part, 'leaf_pipeline/haiku_eval')
  assert.equal(uploaded.data.from, 'leaf_pipeline/plots_store_rpc')
  assert.ok(
    of('artifact.tagged').some(
      ({ data }) => data.path === model && (data.tags as { model_type?: string }).model_type === 'LLM',
    ),
  )
  const bytes = (base: string, folder: string, file: string) => readFileSync(join(base, folder, file))
  assert.deepEqual(
    bytes(leaf, 'leaf-artifacts/input_artifacts/model_registry', model),
    bytes(root, 'root-artifacts/output_artifacts/model_registry', model),
  )
  assert.deepEqual(
    bytes(root, 'root-artifacts/output_artifacts/plots', plot),
    bytes(leaf, 'leaf-artifacts/output_artifacts/plots', plot),
  )
  const losses = of('tracking.metric-logged').filter(({ data }) => (data as { run?: string }).run === name)
  assert.equal(losses.length, 1, `one loss is logged in ${name}`)
}

/** Every fact that was seen is in exactly one offer: offers join without a gap or an overlap, and reach the last fact. */
const checkOffers = (): void => {
  let reached = 0
  let runs = 0
  for (const { data } of of('pipeline.run-planned')) {
    const [offer] = data.offers as Offer[]
    assert.equal(data.run, runs++, 'runs are counted without gaps')
    assert.equal(sequenceOf(offer?.after), reached, 'an offer begins where the last one ended')
    reached = sequenceOf(offer?.upTo)
  }
  const seen = of('artifact.detected').map(({ position }) => sequenceOf(position))
  assert.ok(Math.max(...seen) <= reached, 'the last file has been offered')
  assert.equal(offered(), seen.length, 'every file has been offered once')
}

const checkDatabase = async (runs: number): Promise<void> => {
  const file = join(root, 'root-artifacts/input_artifacts/metadata_store/metadata.db')
  assert.ok(existsSync(file), `${file} is there`)
  const db = new Database(file, { readonly: true })
  const states = db.prepare('select number, state from runs where until is null order by number')
  const expected = Array.from({ length: runs }, (_, number) => ({ number, state: 'succeeded' }))
  // The projection follows the log a few milliseconds behind.
  for (let tries = 0; tries < 200 && !isDeepStrictEqual(states.all(), expected); tries++) await delay(50)
  assert.deepEqual(states.all(), expected, 'the database has every run, and each has succeeded')
  assert.equal((db.prepare('select count(*) as n from rejected').get() as { n: number }).n, 0)
  db.close()
}

/** Reads over HTTPS, trusting the CA that the machine made at its first start. */
const read = async (machine: 'root' | 'leaf', path: string): Promise<unknown> => {
  const ca = readFileSync(join(machine === 'root' ? root : leaf, 'state/tls/ca.pem'))
  const answer = await new Promise<{ status: number | undefined; body: string }>((done, fail) => {
    get(`${webs[machine]}${path}`, { ca, headers: { accept: 'application/json' } }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('end', () => done({ status: response.statusCode, body }))
    }).on('error', fail)
  })
  assert.equal(answer.status, 200, `GET ${webs[machine]}${path} answers ${answer.status}: ${answer.body.slice(0, 200)}`)
  return JSON.parse(answer.body)
}

/** What HTTP says, and what the command line says, is what the log says. */
const checkReads = async (runs: number): Promise<void> => {
  const after = log.at(-1)?.position
  const { items } = (await read('root', `/api/runs?limit=100&after=${after}`)) as {
    items: { number: number; state: string }[]
  }
  assert.deepEqual(
    items.map(({ number }) => number).sort((a, b) => a - b),
    Array.from({ length: runs }, (_, run) => run),
  )
  assert.ok(items.every(({ state }) => state === 'succeeded'))
  const history = (await read('root', '/api/artifacts/history?path=model0.txt&limit=100')) as {
    items: { what: string }[]
  }
  for (const what of ['produced', 'downloaded'])
    assert.ok(
      history.items.some((item) => item.what.includes(what)),
      `model0.txt was ${what}`,
    )
  for (const node of ['metadata_store', 'haiku_data_store', 'model_registry', 'plots_store', 'retraining'])
    await read('root', `/${node}`)
  for (const node of ['shakespeare_eval', 'haiku_eval']) await read('leaf', `/${node}`)
  for (const client of ['metadata_store_rpc', 'model_registry_rpc', 'plots_store_rpc'])
    await read('leaf', `/${client}/api/client`)
  const listed = execFileSync(process.execPath, [millrace, 'runs', 'ls', '--json', '--limit', '100', '--nats', nats], {
    encoding: 'utf8',
  })
  assert.equal(listed.trim().split('\n').length, runs, 'the command line lists every run')
}

try {
  for (let run = 0; run < 10; run++) {
    await dropHaiku(root)
    await until(`run ${run} succeeds`, () => ended(run))
    say(`run ${run}: succeeded`)
  }
  for (let run = 0; run < 10; run++) checkRun(run)
  say('ten files, each after the former run ended: runs 0 to 9, every byte and every transfer as it should be')

  for (let i = 0; i < 10; i++) await dropHaiku(root)
  await until('twenty files are offered', () => offered() === 20)
  const runs = of('pipeline.run-planned').length
  await until(`run ${runs - 1} succeeds`, () => ended(runs - 1))
  for (let run = 10; run < runs; run++) checkRun(run)
  checkOffers()
  say(`ten files at once: all offered exactly once, in ${runs - 10} run(s)`)
  assert.equal(of('run.failed').length, 0)
  await checkDatabase(runs)
  say(`the database agrees: ${runs} runs`)
  await checkReads(runs)
  say('HTTP and the command line agree; every node and client answers at its address')
} catch (cause) {
  console.error(`NOT AS IT SHOULD BE: ${(cause as Error).message}`)
  for (const event of log.slice(-15)) console.error(`  ${event.position} ${event.type} ${JSON.stringify(event.data)}`)
  process.exitCode = 1
} finally {
  tail.kill()
}
