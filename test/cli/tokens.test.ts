import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tokensIn } from '#http/tokens'
import { millrace, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()

test('of tokens that are added at once none is lost', async () => {
  const folder = newFolder()
  const file = join(folder, 'tokens.json')
  const names = ['ann', 'ben', 'cleo', 'dan', 'eve', 'fay']
  const added = names.map((who) => millrace(['tokens', 'add', who, '--tokens', file]))
  expect(await Promise.all(added.map(({ ended }) => ended))).toEqual(names.map(() => 0))
  const tokens = tokensIn(file)
  const holders = added.map(({ output }) => tokens.holderOf(output().trim())?.name)
  expect(holders).toEqual(names)
  const gone = ['ann', 'ben'].map((who) => millrace(['tokens', 'revoke', who, '--tokens', file]))
  await Promise.all(gone.map(({ ended }) => ended))
  const left = JSON.parse(readFileSync(file, 'utf8')) as { readonly name: string }[]
  expect(left.map(({ name }) => name).toSorted()).toEqual(names.slice(2))
  expect(readdirSync(folder)).toEqual(['tokens.json'])
}, 60_000)
