import { expect, test } from 'vitest'
import { mistakesOf } from '#contracts/problems'
import { resourceDefinition } from '#contracts/resource'

const least = { nodeType: 'Rover', sites: ['lake-wheeler'], hours: 2 }

const wrongWith = (definition: unknown): string[] => {
  const { error } = resourceDefinition.safeParse(definition)
  return error ? mistakesOf(error.issues) : []
}

test('a resource definition needs a type, a site and a duration; one node with nothing special is usual', () => {
  expect(resourceDefinition.parse(least)).toEqual({ ...least, capabilities: [], count: 1 })
})

test('it says how many nodes of which kind, and where', () => {
  const whole = { nodeType: 'Fixed Radio', capabilities: ['lidar', 'USRP B210', 'C++'], count: 100, hours: 1.5 }
  expect(wrongWith({ ...whole, sites: ['a', 'b'] })).toEqual([])
})

test('every field that is missing is named', () => {
  expect(wrongWith({})).toEqual([
    'nodeType: is missing; expected string',
    'sites: is missing; expected 1 to 20 sites in a list',
    'hours: is missing; expected a number from 1 to 12',
  ])
})

test.each([
  [{ nodeType: '' }, 'nodeType: use 1 to 64 letters, digits, spaces and . _ - +'],
  [{ nodeType: '-rm' }, 'nodeType: use 1 to 64 letters, digits, spaces and . _ - +'],
  [{ nodeType: 'a\nb' }, 'nodeType: use 1 to 64 letters, digits, spaces and . _ - +'],
  [{ count: 0 }, "count: expected a whole number from 1 to 100; received '0'"],
  [{ count: 1.5 }, "count: expected a whole number from 1 to 100; received '1.5'"],
  [{ count: 101 }, "count: expected a whole number from 1 to 100; received '101'"],
  [{ count: '2' }, "count: expected a whole number from 1 to 100; received '2'"],
  [{ hours: 13 }, "hours: expected a number from 1 to 12; received '13'"],
  [{ hours: 0.5 }, "hours: expected a number from 1 to 12; received '0.5'"],
  [{ hours: null }, 'hours: expected a number from 1 to 12; received something else'],
  [{ hours: Number.NaN }, "hours: expected a number from 1 to 12; received 'NaN'"],
  [{ sites: [] }, 'sites: expected 1 to 20 sites'],
  [{ sites: 'lake' }, "sites: expected 1 to 20 sites in a list; received 'lake'"],
  [{ sites: ['a', 'b', 'a'] }, "sites.2: 'a' is there twice"],
  [{ sites: ['a b'] }, 'sites.0: use 1 to 128 letters, digits, - and _'],
  [{ sites: Array.from({ length: 21 }, (_, at) => `s${at}`) }, 'sites: expected at most 20 sites'],
  [{ capabilities: ['lidar', 'lidar'] }, "capabilities.1: 'lidar' is there twice"],
  [{ capabilites: [] }, "capabilites: no field is called so; did you mean 'capabilities'?"],
])('%j is refused with what was expected', (change, said) => {
  expect(wrongWith({ ...least, ...change })).toEqual([said])
})
