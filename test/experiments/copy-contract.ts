import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Machine } from '#agents/machines/machine'

const never = new AbortController().signal

/** How every machine must copy. */
export const copiesLikeAMachine = (name: string, given: () => Machine, newFolder: () => string) =>
  describe(name, () => {
    test('sends a folder and fetches it again, with whatever names', async () => {
      const [from, there, back] = [newFolder(), join(newFolder(), 'new', "it's $(id)"), newFolder()]
      const names = ['plain', "it's", '-rf', 'a b', 'ü🜚', 'x:y', '$(id)', '*', 'new\nline', '#', '[a]', 'back\\slash']
      for (const name of names) writeFileSync(join(from, name), name, { mode: 0o640 })
      mkdirSync(join(from, 'sub/empty'), { recursive: true })
      writeFileSync(join(from, 'sub/run.sh'), '#!/bin/sh\n', { mode: 0o750 })
      symlinkSync('run.sh', join(from, 'sub/inner'))
      symlinkSync('/etc/passwd', join(from, 'sub/outer'))

      const told: number[] = []
      const progress = (_: number, percent: number) => void told.push(percent)
      await given().send(from, there, { signal: never, progress })
      expect((await readdir(there)).toSorted()).toEqual([...names, 'sub'].toSorted())
      for (const name of names) expect(readFileSync(join(there, name), 'utf8')).toBe(name)
      expect(statSync(join(there, 'sub/run.sh')).mode & 0o777).toBe(0o750)
      expect(await readlink(join(there, 'sub/inner'))).toBe('run.sh')
      expect((await readdir(join(there, 'sub'))).toSorted()).toEqual(['empty', 'inner', 'run.sh'])
      expect(told.at(-1)).toBe(100)

      await given().fetch(there, back, { signal: never })
      expect((await readdir(back)).toSorted()).toEqual([...names, 'sub'].toSorted())
      expect((await readdir(join(back, 'sub'))).toSorted()).toEqual(['empty', 'run.sh'])
      expect(statSync(join(back, 'sub/run.sh')).mode & 0o777).toBe(0o644)
    })

    test('removes what is not here where the copy is to be exact, and nothing else', async () => {
      const [from, there] = [newFolder(), newFolder()]
      writeFileSync(join(from, 'new'), '')
      writeFileSync(join(there, 'old'), '')
      await given().send(from, there, { signal: never })
      expect((await readdir(there)).toSorted()).toEqual(['new', 'old'])
      await given().send(from, there, { signal: never, exact: true })
      expect(await readdir(there)).toEqual(['new'])
    })

    test('tells how far a copy is, by bytes and by hundredths', async () => {
      const [from, there] = [newFolder(), newFolder()]
      for (let file = 0; file < 8; file++) writeFileSync(join(from, String(file)), Buffer.alloc(4 << 20, file))
      const told: (readonly [number, number])[] = []
      const progress = (bytes: number, percent: number) => void told.push([bytes, percent])
      await given().send(from, there, { signal: never, progress })
      expect(told.at(-1)).toEqual([32 << 20, 100])
      expect(told).toEqual(told.toSorted(([one], [other]) => one - other))
    })

    test('says which folder is not there', async () => {
      const folder = newFolder()
      const missing = join(folder, 'missing')
      await expect(given().send(missing, folder, { signal: never })).rejects.toMatchObject({
        code: 'machine.no-folder',
      })
      await expect(given().fetch(missing, join(folder, 'x'), { signal: never })).rejects.toMatchObject({
        code: 'machine.no-folder',
      })
      await expect(given().send('-x', folder, { signal: never })).rejects.toMatchObject({ code: 'machine.bad-name' })
    })
  })
