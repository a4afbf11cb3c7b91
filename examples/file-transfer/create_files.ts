import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { argv } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const haiku = ['An old silent pond', 'A frog jumps into the pond', 'Splash! Silence again']

/** Writes the next haiku into the watched folder, under a name that is free; gives its path. */
export const dropHaiku = async (base: string): Promise<string> => {
  const folder = join(base, 'root-artifacts/input_artifacts/haiku')
  await mkdir(folder, { recursive: true })
  const taken = new Set(await readdir(folder))
  let number = 0
  while (taken.has(`haiku${number}.txt`)) number++
  const file = join(folder, `haiku${number}.txt`)
  await writeFile(file, `${haiku.join('\n')}\n${number}\n`, { flag: 'wx' })
  return file
}

// Run as a script, it drops ten, as many seconds apart as its argument says.
if (argv[1] === fileURLToPath(import.meta.url))
  for (let count = 0; count < 10; count++) {
    console.log(await dropHaiku(import.meta.dirname))
    await delay(Number(argv[2] ?? 1.5) * 1000)
  }
