import { randomInt } from 'node:crypto'
import { env } from 'node:process'
import { expect, test } from 'vitest'
import { faultsIn, projectionDrift, runUnderKills } from './kill.ts'

/** Eight kills here, fifty in the long form; a seed that is printed can be given again. */
const kills = Number(env.MILLRACE_KILLS ?? 8)
const seed = Number(env.MILLRACE_SEED ?? randomInt(2 ** 31))

test(
  `after ${kills} kills of random processes nothing is lost and nothing is done twice (seed ${seed})`,
  async () => {
    console.log(`kill test: MILLRACE_SEED=${seed} MILLRACE_KILLS=${kills}`)
    const outcome = await runUnderKills(seed, kills)
    try {
      expect(faultsIn(outcome), `seed ${seed}; killed ${outcome.kills.join(', ')}`).toEqual([])
      expect(await projectionDrift(outcome), `seed ${seed}: tables that a rebuild gives otherwise`).toEqual([])
    } finally {
      await outcome.end()
    }
  },
  180_000 + kills * 20_000,
)
