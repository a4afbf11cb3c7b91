import { expect, test } from 'vitest'

test('a pattern in what is expected of an object is held against its text', async () => {
  const found = { reason: 'no space left', parts: [{ reason: 'busy' }] }
  expect(found).toMatchObject({ reason: /no space/, parts: [{ reason: /^busy$/ }] })
  for (const expected of [{ reason: /refused/ }, { parts: [{ reason: /^bus$/ }] }, { parts: /busy/ }])
    expect(() => expect(found).toMatchObject(expected)).toThrow()
  const failed = Promise.reject(new Error('nobody listens'))
  await expect(failed).rejects.toMatchObject({ message: /listens/ })
  await expect(expect(failed).rejects.toMatchObject({ message: /answers/ })).rejects.toThrow()
})
