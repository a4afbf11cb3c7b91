import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Fault, faults } from '#bus/fault'
import { readyToSend, untilAnswered, writeFrom } from '#client/transfer'
import { temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const going = new AbortController().signal
const silent = () => Promise.reject(faults.timeout('a store', 60_000))

async function* bytesOf(...parts: readonly (string | Error)[]) {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield new TextEncoder().encode(part)
  }
}

test('what is fetched appears whole, and leaves a file of the same name with .part alone', async () => {
  const folder = newFolder()
  const out = join(folder, 'model.txt')
  writeFileSync(`${out}.part`, 'my own')
  await Promise.all([writeFrom(bytesOf('a', 'b'), out), writeFrom(bytesOf('a', 'b'), out)])
  expect([readFileSync(out, 'utf8'), readFileSync(`${out}.part`, 'utf8')]).toEqual(['ab', 'my own'])
  expect(readdirSync(folder)).toEqual(['model.txt', 'model.txt.part'])
})

test('what could not be fetched leaves nothing behind', async () => {
  const folder = newFolder()
  await expect(writeFrom(bytesOf('a', new Error('gone')), join(folder, 'model.txt'))).rejects.toThrow('gone')
  expect(readdirSync(folder)).toEqual([])
})

test('a store that gives no answer is asked again, until it answers', async () => {
  let asked = 0
  const answer = await untilAnswered(() => (++asked < 3 ? silent() : Promise.resolve('there')), going)
  expect([answer, asked]).toEqual(['there', 3])
})

test('a store is not asked again when it refuses, when the time is over, or on a signal', async () => {
  const codeOf = (ask: () => Promise<never>, signal: AbortSignal, within?: number) =>
    untilAnswered(ask, signal, within).catch((cause: unknown) => (cause instanceof Fault ? cause.code : cause))
  expect(await codeOf(() => Promise.reject(faults.noArtifact('a', 'b/c')), going)).toBe('store.missing')
  expect(await codeOf(silent, going, 0)).toBe('bus.timeout')
  expect(await codeOf(silent, AbortSignal.abort('stopped'))).toBe('stopped')
})

test('only a file can be sent, and what is none is named', async () => {
  const folder = newFolder()
  await expect(readyToSend({ file: folder })).rejects.toThrow(`${folder} is a folder: name a file`)
  await expect(readyToSend({ file: join(folder, 'none') })).rejects.toMatchObject({ code: 'store.missing' })
})

test('a file that can no longer be read breaks what sends it', async () => {
  const file = join(newFolder(), 'plot.png')
  writeFileSync(file, 'dots')
  const { bytes } = await readyToSend({ file })
  expect(await new Response(bytes()).text()).toBe('dots')
  rmSync(file)
  await expect(new Response(bytes()).text()).rejects.toMatchObject({ code: 'ENOENT' })
})
