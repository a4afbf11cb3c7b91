import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePort, millrace, run as start, stop, temporaryFolders } from '../processes.ts'
import { quietConfig, upIn } from './quiet.ts'
import { run } from './secured.ts'

const newFolder = temporaryFolders()

/** Writes a file of a config into a folder. */
const write = (folder: string, name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const bad = (name: string) =>
  `export const ${name} = { name: '${name}', stores: {}, actions: { train: { kind: 'action', after: 'inbox', execute: 1 } } }`

describe('up', { timeout: 60_000 }, () => {
  test('tells all mistakes of all configs at once, as wrong usage, before a server is started', async () => {
    const folder = newFolder()
    write(folder, 'one.mjs', bad('one'))
    write(folder, 'two.mjs', bad('two'))
    write(folder, 'package.json', '{ "type": "module" }')
    const port = await freePort(2)
    const hosts = `[{ config: './one.mjs', port: ${port} }, { config: './two.mjs', port: ${port + 1} }]`
    write(folder, 'millrace.config.ts', `export const together = { hosts: ${hosts} }`)
    const up = await upIn(folder, folder)
    expect([await up.ended, up.output()]).toEqual([2, expect.anything()])
    for (const name of ['one', 'two'])
      for (const place of ['after', 'execute']) expect(up.output()).toContain(`${name}.actions.train.${place}`)
    expect(existsSync(join(folder, 'state/nats'))).toBe(false)
  })

  test('refuses a port from which another one of the folder would come to lie beyond all ports', async () => {
    const folder = newFolder()
    const hosts = `[{ config: './one.mjs', port: 8000 }, { config: './two.mjs', port: 9000 }]`
    write(folder, 'millrace.config.ts', `export const together = { hosts: ${hosts} }`)
    const { code, output } = await run('up', folder, '--port', '65000')
    expect([code, output]).toEqual([2, expect.stringMatching(/two\.mjs would come to port 66000, which is none/)])
  })

  test('leaves what a config does when it is imported to other processes', async () => {
    const folder = newFolder()
    const lasting = "import fs from 'node:fs'; setInterval(() => {}, 1000)"
    const noted = `fs.appendFileSync(${JSON.stringify(join(folder, 'pids'))}, process.pid + '\\n')`
    const up = await upIn(folder, quietConfig(folder, `${lasting}; ${noted}`))
    await up.says(/Ctrl-C stops/)
    const pids = readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n')
    expect(pids.length).toBeGreaterThanOrEqual(3)
    expect(pids).not.toContain(String(up.child.pid))
    expect(await stop(up)).toBe(0)
  })

  test('ends with the code of what one of its processes failed for', async () => {
    const folder = newFolder()
    const up = await upIn(folder, quietConfig(folder), '--host', '0.0.0.0')
    expect(await up.ended).toBe(2)
    expect(up.output()).toMatch(/0\.0\.0\.0 can be reached from other machines/)
  })

  test('on a folder that says nothing names the configs that lie there, or how to write one', async () => {
    const folder = newFolder()
    const empty = await run('up', folder)
    expect([empty.code, empty.output]).toEqual([2, expect.stringContaining(`write one with: millrace init ${folder}`)])
    const config = write(folder, 'mine.ts', "import { pipeline } from 'millrace'")
    write(folder, 'other.ts', 'export const a = 1')
    const { code, output } = await run('up', folder)
    expect(code).toBe(2)
    expect(output).toMatch(/has no millrace\.config\.ts, the file that says which configs are started together/)
    expect(output).toContain(config.split('/').at(-1))
    expect(output).not.toMatch(/other\.ts|ERR_MODULE_NOT_FOUND|src\/cli/)
  })

  test('speaks of a watched folder only where there is one, and says how it ended', async () => {
    const folder = newFolder()
    const up = await upIn(folder, quietConfig(folder))
    await up.says(/Ctrl-C stops everything\n/)
    expect(await stop(up)).toBe(0)
    expect(up.output()).toMatch(/Everything is stopped; the next start goes on where the log is\n$/)
    const text = readFileSync(join(folder, 'quiet.mjs'), 'utf8').replace('watch: false', 'watch: true')
    const watching = await upIn(folder, write(folder, 'quiet.mjs', text))
    await watching.says(/Ctrl-C stops everything; drop a file into \S+inbox for the next run\n/)
    expect(await stop(watching)).toBe(0)
  })
})

test.each([
  ['syntax.mjs', 'export const a = 1\nexport const b = [\n}\n', 3],
  ['syntax.ts', 'export const a = 1\nexport const b = [\n}\n', 3],
  ['thrown.mjs', '\nthrown()\n', 2],
])('what keeps %s from being imported is said with its file and line', async (name, text, line) => {
  const file = write(newFolder(), name, text)
  const { code, output } = await run('check', file)
  expect(code).toBe(2)
  expect(output).toMatch(new RegExp(`^${file} cannot be imported: .* at ${file}:${line}\n$`))
})

test('a config that is not there is said to be so, without a word of who looked for it', async () => {
  const file = join(newFolder(), 'nowhere.ts')
  expect(await run('check', file)).toEqual({
    code: 2,
    output: `${file} cannot be imported: there is no such file\n`,
  })
})

test('a file that is no config is told apart by its name, and a pipeline that is none by its line', async () => {
  const json = write(newFolder(), 'package.json', '{}')
  const said = `${json} cannot be imported: a config is a .ts or a .js file: name one\n`
  expect(await run('check', json)).toEqual({ code: 2, output: said })
  const define = join(import.meta.dirname, '../../src/agents/pipelines/define.ts')
  const file = write(
    newFolder(),
    'p.mjs',
    `import { pipeline } from '${define}'\nexport const p = pipeline('p', {}, {})\n`,
  )
  const { code, output } = await run('check', file)
  expect([code, output]).toEqual([2, expect.stringMatching(`the third argument is a function .* at ${file}:2\n`)])
})

test('configs that are well are listed, for people and for programs, and nothing is started', async () => {
  const folder = newFolder()
  const file = quietConfig(folder, 'setInterval(() => {}, 1000)')
  expect(await run('check', file)).toEqual({ code: 0, output: 'quiet.mjs is well: quiet\n' })
  expect(JSON.parse((await run('check', file, '--json')).output)).toEqual({ config: file, pipelines: ['quiet'] })
})

describe('check of several configs', () => {
  /** Checks configs of one pipeline each. */
  const check = async (...pipelines: readonly { name: string; stores?: object; actions?: object }[]) => {
    const folder = newFolder()
    const files = pipelines.map(({ name, stores = {}, actions = {} }, index) =>
      write(folder, `${index}.mjs`, `export const p = ${JSON.stringify({ name, stores, actions })}`),
    )
    return { files, ...(await run('check', ...files)) }
  }
  const node = (edges: object) => ({ kind: 'action', exec: ['true'], steps: {}, ...edges })

  test('finds a cycle over two files', async () => {
    const { code, output, files } = await check(
      { name: 'a', actions: { x: node({ after: ['b/y'] }) } },
      { name: 'b', actions: { y: node({ after: ['a/x'] }) } },
    )
    expect([code, output]).toEqual([2, `${files[0]} has 1 mistake:\n  actions: a cycle: a/x -> b/y -> a/x\n`])
  })

  test('tells of each which nodes and stores the others do not have; what names a pipeline elsewhere is well', async () => {
    const trainer = { name: 'trainer', actions: { train: node({ after: ['deployer/trian'] }) } }
    const stores = { models: { kind: 'store-client', of: 'trainer/modles', path: './m' } }
    const { code, output, files } = await check(trainer, {
      name: 'deployer',
      stores,
      actions: { deploy: node({ after: ['trainer/tarin', 'elsewhere/any'] }) },
    })
    expect(code).toBe(2)
    expect(output).toContain(
      `${files[0]} has 1 mistake:\n  p.actions.train.after.0: no node is called 'deployer/trian'`,
    )
    expect(output).toContain(`${files[1]} has 2 mistakes:\n`)
    expect(output).toContain("p.actions.deploy.after.0: no node is called 'trainer/tarin'; did you mean 'train'?")
    expect(output).toContain("p.stores.models.of: no node is called 'trainer/modles'")
    expect(output).not.toContain('elsewhere')
  })

  test('refuses a name that two of them give, and a file that is named twice only once', async () => {
    const { code, output, files } = await check({ name: 'a' }, { name: 'a' })
    expect([code, output]).toEqual([2, expect.stringContaining(`p.name: p of ${files[0]} is called 'a' already`)])
    const [file = ''] = files
    expect(await run('check', file, file)).toMatchObject({ code: 0, output: '0.mjs is well: a\n' })
  })
})

test('a program that is not on this machine is told, and is no mistake: its host may be another one', async () => {
  const folder = newFolder()
  const node = (exec: unknown) => ({ kind: 'action', after: ['inbox'], exec, steps: {} })
  write(folder, 'here.sh', '')
  chmodSync(join(folder, 'here.sh'), 0o755)
  const actions = {
    here: node(['./here.sh']),
    found: node(['sh', '-c', 'true']),
    gone: node(['./gone.sh']),
    nowhere: node(['no-such-program']),
    other: node({ command: ['sh'], env: { PATH: '/nowhere' } }),
    away: node({ command: ['sh'], cwd: './none' }),
  }
  const stores = { inbox: { kind: 'filesystem-store', path: './inbox', watch: false } }
  const file = write(folder, 'p.mjs', `export const p = ${JSON.stringify({ name: 'p', stores, actions })}`)
  const missing = [
    `p/gone: there is no program ${folder}/gone.sh on this machine; the host that runs it must have it`,
    "p/nowhere: there is no program no-such-program on this machine's PATH; the host that runs it must have it",
    "p/other: there is no program sh on this machine's PATH; the host that runs it must have it",
    `p/away: the folder ${folder}/none, in which it runs sh, is not on this machine; the host that runs it must have it`,
  ]
  expect(await run('check', file)).toEqual({ code: 0, output: ['p.mjs is well: p', ...missing, ''].join('\n') })
  expect(JSON.parse((await run('check', file, '--json')).output)).toEqual({
    config: file,
    pipelines: ['p'],
    doubts: missing,
  })
  const elsewhere = await run('check', file, '--base', newFolder())
  expect(elsewhere.output).toContain('p/here: there is no program ')
})

describe('a store whose folder can not be made', () => {
  const hindered = () => {
    const folder = newFolder()
    write(folder, 'afile', '')
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dang'))
    const store = (path: string) => ({ kind: 'filesystem-store', path, watch: false })
    const stores = {
      file: store('./afile'),
      beneath: store('./afile/in'),
      link: store('./dang'),
      metadata: { kind: 'metadata-store', path: './dang/metadata.db' },
      well: store('./new/in'),
    }
    return {
      folder,
      config: (...some: (keyof typeof stores)[]) => {
        const named = Object.fromEntries(some.map((one) => [one, stores[one]]))
        return write(folder, 'p.mjs', `export const p = ${JSON.stringify({ name: 'p', stores: named, actions: {} })}`)
      },
    }
  }
  const aFile = (folder: string) => `a file lies at ${folder}/afile. Move it away, or name another path`
  const aLink = (folder: string) =>
    `${folder}/dang is a link to ${folder}/nowhere, which is not there. Make that, or remove the link`

  test('is told by check with its path, the reason and what to do, and nothing is made', async () => {
    const { folder, config } = hindered()
    const files = await run('check', config('file', 'well'))
    expect(files).toEqual({
      code: 0,
      output: `p.mjs is well: p\np/file could not have its folder ${folder}/afile here: ${aFile(folder)}\n`,
    })
    expect((await run('check', config('beneath'))).output).toContain(
      `p/beneath could not have its folder ${folder}/afile/in here: ${aFile(folder)}`,
    )
    expect((await run('check', config('link'))).output).toContain(aLink(folder))
    expect((await run('check', config('metadata'))).output).toContain(
      `p/metadata could not have its folder ${folder}/dang here: ${aLink(folder)}`,
    )
    expect(existsSync(join(folder, 'new'))).toBe(false)
  })

  test('is told where its parent can not be written by whoever asks', async () => {
    const folder = newFolder()
    chmodSync(folder, 0o555)
    // Nothing forbids root to write: there, somebody else asks.
    const code = `
      const { obstacleTo } = await import('${join(import.meta.dirname, '../../src/bus/make-folder.ts')}')
      if (process.getuid?.() === 0) process.setuid(65_534)
      process.stdout.write(obstacleTo('${folder}/new/in'))`
    const asked = start(process.execPath, ['--conditions=source', '--input-type=module', '--eval', code])
    expect(await asked.ended).toBe(0)
    expect(asked.output()).toBe(`${folder} can't be written. Let this user write there, or name another path`)
    chmodSync(folder, 0o755)
  })

  test.each(['file', 'link'] as const)('ends up with the same words (%s)', async (which) => {
    const { folder, config } = hindered()
    const up = await upIn(folder, config(which))
    expect(await up.ended).toBe(1)
    const [path, reason] = which === 'file' ? ['afile', aFile(folder)] : ['dang', aLink(folder)]
    expect(up.output()).toContain(`p/${which} can't have its folder ${folder}/${path}: ${reason}`)
    expect(up.output()).not.toMatch(/EEXIST|ENOENT|mkdir/)
  }, 60_000)
})

test('a mistake on the command line points to the help of its own verb', async () => {
  expect((await run('runs', 'show', '--nots')).output).toMatch(/See: millrace runs show --help/)
  expect((await run('nots')).output).toMatch(/See: millrace --help/)
})

test('whoever waits for a server names the address, the reason and what to do', async () => {
  const folder = newFolder()
  const url = `nats://127.0.0.1:${await freePort()}`
  const up = millrace(['up', quietConfig(folder), '--nats', url, '--state', folder, '--port', String(await freePort())])
  await up.says(new RegExp(`Waiting for a NATS server at ${url}: .*ECONNREFUSED.*Start one there with millrace nats`))
  expect(await stop(up)).toBe(130)
})
