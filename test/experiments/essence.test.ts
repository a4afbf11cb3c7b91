import { expect, test } from 'vitest'
import { essenceOf } from '#agents/containers/essence'

test.each([
  [
    'Pulling experiment ... \r\nPulling experiment ... error\r\n\nERROR: for experiment  Get "http://r:5000/v2/": connection refused\nGet "http://r:5000/v2/": connection refused',
    'ERROR: for experiment  Get "http://r:5000/v2/": connection refused',
  ],
  [
    'Creating volume "x_results" with default driver\nCreating x_experiment_1 ... \nCreating x_experiment_1 ... error\nERROR: no such device\nERROR: no such device',
    'ERROR: no such device',
  ],
  ['all is well\nit ended', 'all is well\nit ended'],
  ['\u001b[31mmanifest unknown: not found\u001b[0m', 'manifest unknown: not found'],
  ['', ''],
])('of what a program of Docker says, the lines count that say why (%#)', (words, essence) => {
  expect(essenceOf(words)).toBe(essence)
})
