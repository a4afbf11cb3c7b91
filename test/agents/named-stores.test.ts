import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { namedStores } from '#agents/pipelines/named-stores'

test('a store that there is not is told when it is read; who looks at all of them is told nothing', async () => {
  const stores: Readonly<Record<string, unknown>> = namedStores({ models: { save: 1 }, data: { save: 2 } })
  expect(() => stores.modles).toThrow("The pipeline has no store 'modles'; did you mean 'models'? It has models, data")
  expect(() => stores.elsewhere).toThrow("The pipeline has no store 'elsewhere'; it has models, data")
  expect(await Promise.resolve(stores)).toBe(stores)
  expect(JSON.parse(JSON.stringify(stores))).toEqual({ models: { save: 1 }, data: { save: 2 } })
  expect(inspect(stores)).toBe('{ models: { save: 1 }, data: { save: 2 } }')
  expect([`${stores}`, 'modles' in stores, { ...stores }]).toEqual([expect.anything(), false, expect.anything()])
  expect(() => namedStores<Record<string, unknown>>({}).models).toThrow("no store 'models'; it has none")
})
