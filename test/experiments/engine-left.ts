import type { AskDocker } from './engine.ts'

/** What an engine holds of an experiment. */
export const leftOf = async (docker: AskDocker, id: string): Promise<readonly string[]> => {
  const label = ['-q', '--filter', `label=millrace.experiment=${id}`]
  const all = await Promise.all([
    docker('ps', '-a', ...label),
    docker('volume', 'ls', ...label),
    docker('network', 'ls', ...label),
    docker('images', ...label),
  ])
  return all.flatMap((text) => text.split('\n').filter((line) => line !== ''))
}

/** Removes it, images too. */
export const removeEverything = async (docker: AskDocker, id: string): Promise<void> => {
  const label = ['-q', '--filter', `label=millrace.experiment=${id}`]
  for (const [list, remove] of [
    [
      ['ps', '-a'],
      ['rm', '-f', '-v'],
    ],
    [
      ['volume', 'ls'],
      ['volume', 'rm', '-f'],
    ],
    [['images'], ['rmi', '-f']],
  ] as const) {
    const found = (await docker(...list, ...label)).split('\n').filter((line) => line !== '')
    for (const one of new Set(found)) await docker(...remove, one).catch(() => undefined)
  }
}
