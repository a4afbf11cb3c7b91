import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCredentials, securityOf } from '#bus/credentials'
import { openBus } from '#bus/jetstream'
import { connect } from '#client/connect'
import { dropHaiku } from '../../examples/file-transfer/create_files.ts'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'
import { run, securedServer } from './secured.ts'

const newFolder = temporaryFolders()
const [configs, leaf, root] = ['examples/file-transfer', 'leaf.ts', 'root.ts']

describe('credentials', { timeout: 60_000 }, () => {
  const [folder, elsewhere] = [newFolder(), newFolder()]
  const { state, port, address } = securedServer(folder)
  const creds = join(elsewhere, 'leaf.creds.json')

  test('certs host writes one file for another machine, and the running server knows it at once', async () => {
    const args = ['certs', 'host', 'leaf', '--address', address(), '--config', `${configs}/${leaf}`, '--state', state]
    const { code, output } = await run(...args, '--out', creds)
    expect([code, output]).toEqual([0, expect.stringMatching(/Wrote .*leaf\.creds\.json: carry it/)])
    expect(statSync(creds).mode & 0o777).toBe(0o600)
    expect(readCredentials(creds)).toMatchObject({
      url: `tls://${address()}`,
      principal: 'leaf',
      inboxPrefix: '_INBOX_leaf',
      ca: readFileSync(join(state, 'certs/ca.pem'), 'utf8'),
      web: { principal: 'web-leaf' },
    })
    expect(await run('tail', '--from', 'start', '--once', '--creds', creds, '--state', newFolder())).toMatchObject({
      code: 0,
    })
    expect(await run(...args, '--out', creds)).toMatchObject({ code: 2, output: /is there already/ })
  })

  test('certs host writes it under the state folder unless told otherwise, where git passes it over', async () => {
    const own = join(newFolder(), 'state')
    const { output } = await run('certs', 'host', 'far', '--address', address(), '--state', own)
    const file = join(own, 'credentials/far.creds.json')
    expect(output).toMatch(new RegExp(`Wrote ${file}: carry it[\\s\\S]*scp .*far\\.creds\\.json`))
    expect(output).toContain('the path that it has there: millrace up <config> --creds ./far.creds.json, or for')
    expect(output).toContain('or for its pages alone: millrace web --creds ./far.creds.json\n')
    const absent = join(own, 'far.creds.json')
    expect(await run('hosts', 'ls', '--creds', absent)).toEqual({
      code: 2,
      output: expect.stringMatching(
        new RegExp(`^There is no file ${absent}\\. .*as it was carried to this machine\n$`),
      ),
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(own, '.gitignore'), 'utf8')).toBe('*\n')
    expect(existsSync(join(state, '.gitignore'))).toBe(true)
    expect(existsSync(join(folder, '.gitignore'))).toBe(false)
  })

  test('both sides of a file transfer run over it, one with the file of certs host', async () => {
    const ours = ['--base', folder, '--state', state, '--no-demonstration', '--port', String(await freePort())]
    const up = millrace(['up', `${configs}/${root}`, ...ours, '--nats-port', String(port())])
    await up.says(/Using the NATS server that answers at tls:[\s\S]*Ctrl-C stops/)
    const theirs = ['--creds', creds, '--base', elsewhere, '--state', join(elsewhere, 'state')]
    const there = millrace(['up', `${configs}/${leaf}`, ...theirs, '--port', String(await freePort())])
    await there.says(/Ctrl-C stops/)
    expect(await run('hosts', 'ls', '--creds', creds)).toMatchObject({ code: 0, output: /^leaf .*shakespeare_eval/m })
    await dropHaiku(folder)
    await up.says(/run root_pipeline\/0 succeeded/)
    expect(existsSync(join(elsewhere, 'leaf-artifacts/input_artifacts/model_registry/model0.txt'))).toBe(true)
    expect(existsSync(join(folder, 'root-artifacts/output_artifacts/plots/plot0.txt'))).toBe(true)
    expect(up.output()).toMatch(/shakespeare_eval runs on leaf\n/)
    expect(await run('runs', 'start', '--creds', creds)).toMatchObject({ code: 0, output: /accepted: +true/ })
    await up.says(/run root_pipeline\/1 succeeded/)
    expect([await stop(there), await stop(up)]).toEqual([0, 0])
    expect(there.output() + up.output()).not.toMatch(/may not/)
    // Nothing that they did was denied, not even where nobody waited for an answer.
    expect(readFileSync(join(state, 'nats/server.log'), 'utf8')).not.toContain('Violation')
  }, 90_000)

  test('an agent with the credentials of one name does not run under another', async () => {
    const { code, output } = await run(
      'agent',
      `${configs}/${leaf}`,
      '--creds',
      creds,
      '--name',
      'other',
      '--state',
      newFolder(),
    )
    expect(code).toBe(2)
    expect(output).toContain('The credentials are those of leaf')
  })

  test('an agent with the credentials of one pipeline does not run another', async () => {
    const away = newFolder()
    const agent = ['agent', `${configs}/${root}`, '--creds', creds, '--base', away, '--state', join(away, 'state')]
    const { code, output } = await run(...agent)
    expect(code).toBe(1)
    expect(output).toMatch(/This principal may not .*root_pipeline/)
  })

  test('a file without a web process lets nobody speak for others', async () => {
    const out = join(newFolder(), 'quiet.json')
    await run('certs', 'host', 'quiet', '--address', address(), '--no-web', '--out', out, '--state', state)
    expect(readCredentials(out).web).toBeUndefined()
    const { code, output } = await run('web', `${configs}/${leaf}`, '--creds', out, '--state', newFolder())
    expect(code).toBe(2)
    expect(output).toContain('has no web process')
  })

  test.each(['web-eve', 'local', 'a.b', '>'])("nobody is let in as '%s'", async (name) => {
    const { code, output } = await run('certs', 'host', name, '--address', address(), '--state', state)
    expect(code).toBe(2)
    expect(output).toContain(`'${name}' can be nobody's name`)
  })

  test('a script has a file of its own, and is shut out when that is revoked', async () => {
    const out = join(newFolder(), 'ann.json')
    await run('certs', 'script', 'ann', '--address', address(), '--out', out, '--state', state)
    const { url, ca, ...who } = readCredentials(out)
    const ann = await openBus({ url, principal: 'somebody', security: securityOf(who, ca, url) })
    expect(ann.principal).toBe('ann')
    const client = await connect({ creds: out })
    await client.publish('root_pipeline', 'tracking.metric-logged', { key: 'loss', value: 1 })
    expect((await ann.last({ aggregate: 'tracking', scope: 'root_pipeline', key: 'ann' }))?.principal).toBe('ann')
    await client.close()
    const bytes = () => new Blob(['bytes']).stream()
    const digest = createHash('sha256').update('bytes').digest('hex')
    await expect(ann.buckets.put('ann', digest, bytes)).rejects.toMatchObject({ code: 'bus.denied' })
    const withBucket = join(newFolder(), 'ben.json')
    await run('certs', 'script', 'ben', '--bucket', '--address', address(), '--out', withBucket, '--state', state)
    const { url: _, ca: __, ...other } = readCredentials(withBucket)
    const ben = await openBus({ url, principal: 'ben', security: securityOf(other, ca, url) })
    await ben.buckets.put('ben', digest, bytes)
    await ben.close()
    expect(await run('certs', 'ls', '--state', state)).toMatchObject({ output: /^ann +script +U[A-Z2-7]{55}$/m })
    const listed = (await run('certs', 'ls', '--json', '--state', state)).output.trim().split('\n')
    expect(listed.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ name: 'ann', role: 'script' }),
    )
    expect(await run('certs', 'revoke', 'ann', '--state', state)).toMatchObject({ code: 0, output: /is shut out\n/ })
    await ann.closed
    expect(await run('tail', '--creds', out)).toMatchObject({ code: 1, output: /lets in only those whom it knows/ })
    expect(await run('certs', 'revoke', 'ann', '--state', state)).toMatchObject({ code: 5 })
  })

  test('certs tells programs what it has done', async () => {
    const out = join(newFolder(), 'bob.json')
    const told = async (...args: string[]) =>
      JSON.parse((await run('certs', ...args, '--json', '--state', state)).output)
    expect(await told()).toMatchObject({ authority: join(state, 'certs/ca.pem'), reloaded: true })
    const host = ['host', 'bob', '--address', address(), '--out', out]
    expect(await told(...host)).toEqual({ name: 'bob', file: out, url: `tls://${address()}`, reloaded: true })
    expect(await told('revoke', 'bob')).toEqual({ name: 'bob', revoked: true, reloaded: true })
  })

  test('an end node whose file names another one than its credentials do ends, and says so', async () => {
    const away = newFolder()
    const [out, file] = [join(away, 'rover.json'), join(away, 'rover.yaml')]
    const node = ['rover-one', '--site', 'north', '--node', 'one']
    await run('certs', 'end-node', ...node, '--address', address(), '--out', out, '--state', state)
    writeFileSync(file, `site: north\nnode: two\nname: rover-one\nfolder: ${away}\n`)
    const agent = millrace(['agent', 'end-node', file, '--creds', out, '--state', join(away, 'state')])
    expect(await agent.ended).toBe(1)
    expect(agent.output()).toMatch(
      /rover\.yaml names north\/two; .*millrace certs end-node rover-one --site north --node two --force\n/,
    )
  })

  test('an agent that is shut out while it runs ends, and says why', async () => {
    const away = newFolder()
    const out = join(away, 'gone.json')
    await run('certs', 'host', 'gone', '--address', address(), '--out', out, '--state', state)
    const ours = ['--creds', out, '--base', away, '--state', join(away, 'state'), '--log-level', 'debug']
    const agent = millrace(['agent', `${configs}/${leaf}`, ...ours])
    await agent.says(/gone runs \d+ nodes/)
    await run('certs', 'revoke', 'gone', '--state', state)
    expect(await agent.ended).toBe(1)
    expect(agent.output()).toMatch(/lets in only those whom it knows/)
  })
})
