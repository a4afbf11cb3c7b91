import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localMachine } from '#agents/machines/local-machine'
import { processesWith, temporaryFolders } from '../processes.ts'
import { copiesLikeAMachine } from './copy-contract.ts'
import { behavesLikeAMachine } from './machine-contract.ts'

const newFolder = temporaryFolders()

behavesLikeAMachine('this machine', () => localMachine(), newFolder)
copiesLikeAMachine('this machine', () => localMachine(), newFolder)

test('begins relative paths where its user is at home', async () => {
  const home = newFolder()
  const machine = localMachine({ home })
  const { signal } = new AbortController()
  await machine.run(['mkdir', '-p', 'a/b'], { signal })
  for (const folder of ['a/b', '~/a/b', './a/b'])
    expect(await machine.run(['pwd'], { signal, folder })).toMatchObject({ lastWords: join(home, 'a/b') })
})

test('ends what it runs when the process that runs it is killed', async () => {
  const folder = newFolder()
  const source = join(import.meta.dirname, '../../src/agents/machines/local-machine.ts')
  const script = `
    import { localMachine } from ${JSON.stringify(source)}
    const hear = (_, line) => console.log(line)
    await localMachine().run(['sh', '-c', 'echo ready; sleep 1000; :', process.argv[1]], { signal: new AbortController().signal, hear })`
  const args = ['--conditions=source', '--input-type=module', '-e', script, folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expect.poll(() => processesWith(folder)).toEqual([])
})
