import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stageOf, wordsOf } from '#contracts/experiment-standing'
import { temporaryFolders } from '../processes.ts'
import { mayServeS3, type S3Server, startS3 } from '../s3-server.ts'
import { type Apache, login, mayServeWebDav, startApache } from './apache.ts'
import { withTestbed } from './bed.ts'
import { engineForTests } from './engine.ts'
import { presignedPut } from './presigned.ts'
import { altered, countOf, holding, reasonOf } from './seen.ts'

const engine = await engineForTests()
const newFolder = temporaryFolders()

describe.runIf(engine && mayServeS3 && mayServeWebDav)('a testbed', { timeout: 240_000 }, () => {
  if (!engine) return
  const bed = withTestbed(engine)
  let [s3, apache, buckets]: [S3Server | undefined, Apache | undefined, string] = [undefined, undefined, '']
  beforeAll(async () => {
    buckets = newFolder()
    s3 = await startS3(buckets, ['results'])
    apache = await startApache(newFolder())
  })
  afterAll(async () => {
    await Promise.all([s3?.stop(), apache?.stop()])
  })

  const home = async (id: string, ...sites: readonly string[]) => {
    await bed.until(id, bed.isAt('collect', 'succeeded', ...sites))
    await bed.order('olga', id, 'submit')
    const done = sites.map((part) => `${part.split('/')[0]}/self`)
    return bed.until(id, bed.isAt('upload', 'succeeded', ...done))
  }

  test('takes an experiment through all five steps, at two sites at once, and home to a folder', async () => {
    const nodes = ['north/two', 'south/three']
    const id = await bed.running({ sites: ['north', 'south'], cloud: 'directory:carol/dawn' }, ...nodes)
    const seen = await home(id, ...nodes)
    expect(wordsOf[stageOf(seen.experiment)]).toEqual({ mode: 'TESTBED', status: 'submitted' })
    const files = join(bed.testbed().folder, 'portal/directories/carol/dawn', id)
    for (const part of nodes) {
      const [own = ''] = readdirSync(join(files, part)).filter((name) => name !== 'manifest.json')
      expect(altered(join(files, part))).toEqual([])
      expect([own, readFileSync(join(files, part, 'files/deep/b.txt'), 'utf8')]).toEqual(['files', 'two\n'])
    }
    expect(bed.started(id)).toBe(2)
    expect(await bed.left(id)).toEqual([])
    expect(Object.values(countOf(seen, 'step-started')).every((times) => times <= 2)).toBe(true)
    expect(countOf(seen, 'step-failed')).toEqual({})
    // The commands are told as they were run, with all their arguments.
    const said = await bed.testbed().millrace('experiment', 'logs', id)
    for (const command of [
      /\$ git -c .*protocol\.allow=never.* clone .*--depth=1/,
      /\$ rsync --recursive .*--rsh=.*StrictHostKeyChecking=yes.* -- \S+ 127\.0\.0\.1:\S+/,
      /\$ docker.* -f docker-compose\.yml .* up --no-start/,
      /\$ docker.* start [0-9a-f]{12}/,
    ])
      expect(said).toMatch(command)
    await bed.order('carol', id, 'archive')
  })

  test('brings results to a bucket and to a WebDAV server, and tells nobody the secrets of these', async () => {
    if (!s3 || !apache) throw new Error('They have not been started')
    const { endpoint, credentials } = s3
    const { accessKeyId, secretAccessKey } = credentials
    const bucket = `s3://${accessKeyId}:${secretAccessKey}@results/dawn?endpoint=${endpoint}&region=us-east-1`
    const server = `webdav+${apache.url.replace('://', `://${login.user}:${login.password}@`)}`
    const [north, south] = ['north/one', 'south/three']
    const id = await bed.running({ sites: ['north', 'south'], cloud: bucket }, north, south)
    await bed.until(id, bed.isAt('collect', 'succeeded', north, south))
    await bed.order('olga', id, 'submit', { sites: ['north'] })
    await bed.until(id, bed.isAt('upload', 'succeeded', 'north/self'))
    const cloudLink = await (await bed.as('carol')).experiments.keepLink(id, server)
    await bed.order('carol', id, 'set-cloud-link', { cloudLink })
    await bed.order('olga', id, 'submit')
    await bed.until(id, bed.isAt('upload', 'succeeded', 'south/self'))
    expect(altered(join(buckets, 'results/dawn', id, north))).toEqual([])
    expect(altered(join(apache.served, id, south))).toEqual([])
    expect(await bed.left(id)).toEqual([])

    const logged: string[] = []
    await (await bed.as('carol')).follow(
      (event) => logged.push(JSON.stringify(event)),
      AbortSignal.timeout(30_000),
      undefined,
      { once: true },
    )
    logged.push(await bed.testbed().millrace('experiment', 'logs', id, '--json'))
    expect([logged.length > 50, holding(bed.testbed().folder, id).length > 0]).toEqual([true, true])
    for (const secret of [secretAccessKey, login.password]) {
      expect(logged.filter((event) => event.includes(secret))).toEqual([])
      expect(holding(bed.testbed().folder, secret)).toEqual([])
    }
  })

  test('begins no run whose results could not be sent, and keeps those whose link breaks later until there is a new one', async () => {
    if (!s3 || !apache) throw new Error('They have not been started')
    const [site, node] = ['south/self', 'south/three']
    const server = (password: string) => `webdav+${apache?.url.replace('://', `://${login.user}:${password}@`)}`
    const users = join(apache.served, '../users')
    const [hashed, here] = [readFileSync(users, 'utf8'), join(bed.testbed().folder, 'portal')]
    let id = ''
    const fails = async (step: 'probe' | 'upload', tries: number, reason: RegExp) => {
      const seen = await bed.until(id, ({ experiment: { parts } }) => {
        const at = parts[site]?.[step]
        return at?.state === 'failed' && at.try === tries
      })
      expect(reasonOf(seen, site, step)).toMatch(reason)
      expect(JSON.parse(await bed.testbed().millrace('experiment', 'show', id, '--json')).parts).toContainEqual(
        expect.objectContaining({ ended: `failed at ${step}`, reason: expect.stringMatching(reason) }),
      )
    }
    const again = async (step: 'probe' | 'upload', link: string) => {
      const cloudLink = await (await bed.as('carol')).experiments.keepLink(id, link)
      await bed.order('carol', id, 'set-cloud-link', { cloudLink })
      await bed.order('olga', id, 'retry', { part: site, step })
    }
    const old = presignedPut(s3, '/results/late.tar', { from: new Date(Date.now() - 3_600_000) })
    id = await bed.running({ cloud: old }, node)
    await fails('probe', 1, /The link to .* has expired at .*Set a new cloud link/)
    await again('probe', server('what it was once'))
    await fails('probe', 2, /401.*the link has expired, or may not do that/)
    expect([bed.started(id), await engine.docker('ps', '-aq', '--filter', `label=millrace.experiment=${id}`)]).toEqual([
      ...[0, ''],
    ])
    await again('probe', server(login.password))
    const { experiment } = await bed.until(id, bed.isAt('collect', 'succeeded', node))
    expect([experiment.parts[node]?.run?.try, bed.started(id)]).toEqual([1, 1])
    writeFileSync(users, hashed.replace(/:.*/, ':{SHA}another'))
    await bed.order('olga', id, 'submit')
    await fails('upload', 1, /401.*the link has expired, or may not do that/)
    expect(altered(join(here, 'experiments/south', id, 'results/three/1-1'))).toEqual([])
    await again('upload', 'directory:carol/late')
    const seen = await bed.until(id, bed.isAt('upload', 'succeeded', site))
    writeFileSync(users, hashed)
    expect(countOf(seen, 'step-failed')).toEqual({ [`${site} probe`]: 2, [`${site} upload`]: 1 })
    expect(altered(join(here, 'directories/carol/late', id, node))).toEqual([])
    expect(readdirSync(apache.served).filter((name) => name.includes(id))).toEqual([])
  })
})
