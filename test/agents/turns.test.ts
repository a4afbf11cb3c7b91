import { expect, test } from 'vitest'
import { atMost, inTurn, queueFor } from '#agents/turns'

test('half a million that wait are worked off in the order in which they came, none the slower for the others', async () => {
  const many = 500_000
  const done: number[] = []
  await new Promise<void>((resolve) => {
    const add = queueFor(4, async (item: number) => {
      if (done.push(item) === many) resolve()
    })
    for (let item = 0; item < many; item++) add(item)
  })
  expect(done.every((item, index) => item === index)).toBe(true)
}, 5_000)

test('no more run at once than may, and one that breaks gives its place to the next', async () => {
  const limited = atMost(2)
  let [running, most] = [0, 0]
  const task = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    throw new Error('broken')
  }
  const tasks = await Promise.allSettled(Array.from({ length: 9 }, () => limited(task)))
  expect(tasks.every(({ status }) => status === 'rejected')).toBe(true)
  expect(most).toBe(2)
})

test('tasks of one key go one after the other, also behind one that broke; another key does not wait', async () => {
  const turn = inTurn()
  const told: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const first = turn('a', async () => {
    await gate
    told.push('first')
    throw new Error('broken')
  })
  const second = turn('a', async () => told.push('second'))
  await turn('b', async () => told.push('other'))
  open()
  await expect(first).rejects.toThrow('broken')
  await second
  expect(told).toEqual(['other', 'first', 'second'])
})
