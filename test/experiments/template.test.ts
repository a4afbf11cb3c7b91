import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '#agents/experiments/config-yaml'
import { run, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const template = join(import.meta.dirname, '../../examples/experiment/template')

/** Starts the template's code with a sensor that says this. */
const start = (sensor: string, env: Readonly<Record<string, string>> = {}) => {
  const folder = newFolder()
  const results = join(folder, 'results')
  writeFileSync(join(folder, 'sensor'), sensor)
  const given = { SENSOR: join(folder, 'sensor'), RESULTS: results, SAMPLES: '3', INTERVAL: '0.01' }
  const started = run('python3', ['-W', 'error', 'src/main.py'], {
    cwd: template,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...given, ...env },
  })
  const table = () => readFileSync(join(results, 'samples.csv'), 'utf8').trim().split(/\r?\n/)
  return { ...started, results, started, table, sensor: join(folder, 'sensor') }
}

test('the template is an experiment: a config that is understood, and code that leaves a table and a plot', async () => {
  expect(await readConfig(template)).toEqual({
    device: { type: 'Rover', capabilities: ['thermometer'] },
    code: { dependencies: [] },
  })
  const { ended, output, results, table } = start('21.5 C\n')
  expect([await ended, output()]).toEqual([0, 'sample 1 of 3: 21.5\nsample 2 of 3: 21.5\nsample 3 of 3: 21.5\n'])
  expect(readdirSync(results).toSorted()).toEqual(['plot.svg', 'samples.csv'])
  const [header, ...rows] = table()
  expect(header).toBe('seconds,value')
  expect(rows).toHaveLength(3)
  for (const row of rows) expect(row).toMatch(/^\d+\.\d+,21\.5$/)
  const svg = readFileSync(join(results, 'plot.svg'), 'utf8')
  expect(svg).toMatch(
    /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" .*points="32.0,\d+.\d .* 608.0,\d+.\d"[\S\s]*<\/svg>\n$/s,
  )
})

test('told to stop, it leaves what it has', async () => {
  const { started, results, table } = start('1', { SAMPLES: '1000', INTERVAL: '0.05' })
  await started.says(/sample 2 of 1000/)
  expect(await stop(started)).toBe(143)
  expect(table().length).toBeGreaterThan(2)
  expect(readdirSync(results)).toContain('plot.svg')
})

test('a sensor that breaks ends it with a sentence, and what it had is kept', async () => {
  const { started, ended, output, results, table, sensor } = start('1', { SAMPLES: '1000', INTERVAL: '0.05' })
  await started.says(/sample 1 of/)
  writeFileSync(sensor, 'broken')
  expect(await ended).toBe(1)
  expect(output()).toMatch(/sensor gives no number: .*Name the sensor's file in SENSOR/)
  expect(table().length).toBeGreaterThan(1)
  expect(readdirSync(results)).toContain('plot.svg')
})

test.each([
  [{ SENSOR: '/nowhere/sensor' }, /\/nowhere\/sensor gives no number: .*No such file/],
  [{ SAMPLES: '0' }, /SAMPLES is '0'; expected a number, 1 or more/],
  [{ SAMPLES: 'many' }, /SAMPLES is 'many'; expected a number/],
  [{ INTERVAL: 'nan' }, /INTERVAL is 'nan'; expected a number, 0 or more/],
])('%j is refused with a sentence', async (env, said) => {
  const { ended, output } = start('1', env)
  expect(await ended).toBe(1)
  expect(output()).toMatch(said)
  expect(output()).not.toMatch(/Traceback/)
})
