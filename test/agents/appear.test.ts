import { expect, test } from 'vitest'
import { appear } from '#agents/appear'
import type { Bus, Presence } from '#bus/bus'
import { faults } from '#bus/fault'

const mine = { host: 'h', instance: 'i', machine: 'new-name', nodes: [] }
const { signal } = new AbortController()

/** A bus on which the name is held: `after` looks at who is there, by whom, and when he was last seen. */
const heldBy = (former: Omit<Presence, 'seenAt' | 'nodes' | 'host'>, seen: readonly (number | undefined)[]) => {
  let looks = 0
  const lastSeen = () => seen[Math.min(looks, seen.length - 1)]
  const bus: Pick<Bus, 'appear' | 'present'> = {
    appear: async () => {
      if (lastSeen() !== undefined) throw faults.twin('h', former.machine)
      return { gone: Promise.resolve() }
    },
    present: async () => {
      const seenAt = lastSeen()
      looks++
      return seenAt === undefined ? [] : [{ ...former, host: 'h', nodes: [], seenAt }]
    },
  }
  const said: string[] = []
  const about = { bus: bus as Bus, log: (_: string, message: string) => void said.push(message), signal }
  return { said, appeared: () => appear(about, mine, signal) }
}

test('an installation whose machine has another name since its last start waits until that one is forgotten', async () => {
  const { said, appeared } = heldBy({ instance: 'i', machine: 'old-name' }, [1, 1, undefined])
  await appeared()
  expect(said).toEqual(['h was on old-name a moment ago: waiting until it is forgotten there'])
})

test('a copy of an installation that lives on another machine is refused at its first sign of life', async () => {
  const { appeared } = heldBy({ instance: 'i', machine: 'old-name' }, [1, 2])
  await expect(appeared()).rejects.toThrow(/old-name/)
})

test('another installation that has the name is refused at once', async () => {
  const { appeared, said } = heldBy({ instance: 'other', machine: 'm' }, [1])
  await expect(appeared()).rejects.toMatchObject({ code: 'host.twin' })
  expect(said).toEqual([])
})
