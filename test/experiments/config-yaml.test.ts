import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { otherDevice, parseConfig, readConfig, writeConfig } from '#agents/experiments/config-yaml'
import { temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const parse = (text: string) => parseConfig(Buffer.from(text))

const usual = 'device: { type: Rover, capabilities: [lidar] }\ncode: { dependencies: [numpy] }\n'

/** What is said of a text that is refused. */
const refusal = (text: string): string => {
  try {
    return JSON.stringify(parse(text))
  } catch (refused) {
    return (refused as Error).message
  }
}

test('a config names the device and what its code needs', () => {
  expect(parse(usual)).toEqual({
    device: { type: 'Rover', capabilities: ['lidar'] },
    code: { dependencies: ['numpy'] },
  })
  expect(parse('device: { type: Rover }')).toEqual({
    device: { type: 'Rover', capabilities: [] },
    code: { dependencies: [] },
  })
})

test('one that is missing is told with an example; a link or a large file is none', async () => {
  const folder = newFolder()
  await expect(readConfig(folder)).rejects.toThrow(/no config.yaml. Put one there, such as:\ndevice: \{ type: Rover/)
  symlinkSync('/etc/passwd', join(folder, 'config.yaml'))
  await expect(readConfig(folder)).rejects.toThrow('config.yaml is no file')
  const other = newFolder()
  writeFileSync(join(other, 'config.yaml'), `${usual}#${'x'.repeat(70_000)}`)
  await expect(readConfig(other)).rejects.toThrow(/bytes; expected at most 65536/)
  writeFileSync(join(other, 'config.yaml'), usual)
  expect(await readConfig(other)).toMatchObject({ device: { type: 'Rover' } })
})

describe('what is wrong is told with its line', () => {
  test.each([
    ['', 'config.yaml:1: is empty; expected\ndevice: { type: Rover'],
    ['- device', 'config.yaml:1: expected object, received array'],
    ['device:\n  typ: Rover\n', "config.yaml:2: device.typ: no field is called so; did you mean 'type'?"],
    ['device:\n  typ: Rover\n', 'config.yaml:1: device.type: is missing; expected string'],
    ['\n\ncode: {}\n', 'config.yaml:3: device: is missing; expected object'],
    ['device: { type: 7 }', 'config.yaml:1: device.type: expected string, received number'],
    ['device:\n  type: Rover\n  capabilities: lidar\n', 'config.yaml:3: device.capabilities: expected 0 to 50'],
    ['device:\n  type: Rover\ncod:\n  x: 1\n', "config.yaml:3: cod: no field is called so; did you mean 'code'?"],
    ['device:\n  type: Rover\n  type: Drone\n', 'config.yaml:3: type: is there twice'],
    ['device: { type: Rover\ncode: {}\n', 'config.yaml:'],
    ['device: { type: Rover }\n---\ndevice: { type: Rover }\n', 'config.yaml:2: '],
    [
      'device: { type: !!binary Um92ZXI= }',
      'config.yaml:1: the tag tag:yaml.org,2002:binary; expected the value alone',
    ],
    ['device:\n  type: &a Rover\n  capabilities: [*a]\n', 'config.yaml:2: an anchor; expected the value alone'],
    ['device:\n  type: &a Rover\n  capabilities: [*a]\n', 'config.yaml:3: an alias; expected the value itself'],
    ['device: &a { type: Rover }\n', 'config.yaml:1: an anchor; expected the value alone'],
    ['device: !!omap [type: Rover]\n', 'config.yaml:1: the tag tag:yaml.org,2002:omap; expected the value alone'],
    ['device: { type: Rover }\ncode: { <<: { dependencies: [] } }\n', 'config.yaml:2: code.<<: no field is called so'],
    ['__proto__: { type: Rover }\n', 'config.yaml:1: __proto__: no field is called so'],
  ])('%j', (text, said) => {
    expect(refusal(text)).toContain(said)
  })

  test.each([
    ['-r /etc/passwd'],
    ['--index-url=https://evil.example'],
    ['https://evil.example/x.whl'],
    ['numpy @ https://evil.example/x.whl'],
    ['git+https://evil.example/x'],
    ['./local'],
    ['/srv/local'],
    ['numpy; python_version < "3"'],
    ['numpy\n--index-url https://evil.example'],
    ['numpy>=2 --hash=sha256:00'],
    ['numpy>'],
    ['[all]'],
    [''],
    ['nümpy'],
    ['a'.repeat(201)],
    [`${'a-'.repeat(90)}!`],
  ])('a dependency %j', (dependency) => {
    const begun = performance.now()
    const text = `device: { type: Rover }\ncode:\n  dependencies:\n    - numpy\n    - ${JSON.stringify(dependency)}\n`
    expect(refusal(text)).toMatch(/^config.yaml has 1 mistake:\n {2}config.yaml:5: code.dependencies.1: /)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('a dependency that is there twice, by any spelling', () => {
    const text = 'device: { type: Rover }\ncode: { dependencies: [Scikit_learn, "scikit-learn>=1"] }\n'
    expect(refusal(text)).toContain("config.yaml:2: code.dependencies.1: 'scikit-learn' is there twice")
  })
})

test.each([
  'numpy',
  'numpy==2.1.0',
  'numpy >= 2, < 3',
  'qiskit[visualization, all]~=1.2',
  'a==1.*',
  'x===1!2+local',
  'z',
])('a dependency may be %s', (dependency) => {
  const { code } = parse(`device: { type: Rover }\ncode: { dependencies: [${JSON.stringify(dependency)}] }\n`)
  expect(code.dependencies).toEqual([dependency.replaceAll(' ', '')])
})

test.each([
  [
    'aliases that multiply',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replaceAll(/./g, (b) => `${b}: &${b} [${`*${String.fromCharCode(b.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
  ],
  ['lists in lists', '['.repeat(30_000)],
  ['maps in maps', 'device: {a: '.padEnd(60_000, '{a: ')],
  ['lists in lists that end', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
  ['thousands of keys', Array.from({ length: 5_000 }, (_, at) => `k${at}: 1`).join('\n')],
  ['no text', '\uFFFE\u0000\u0001'],
])('%s are refused, and soon', (_, text) => {
  const begun = performance.now()
  expect(refusal(text)).toMatch(/^config.yaml has \d+ mistakes?:\n {2}config.yaml:\d+: /)
  expect(performance.now() - begun).toBeLessThan(3_000)
})

test('bytes that are no UTF-8 are refused', () => {
  expect(() => parseConfig(Buffer.from([0x64, 0xff, 0xfe]))).toThrow(/expected YAML in UTF-8/)
})

test('the config that is built from has the device that was asked for, and the code of the repository', () => {
  const asked = { nodeType: 'Fixed Radio', capabilities: ['no', '5.9'] }
  const written = writeConfig(asked, parse(usual))
  expect(written).toBe(
    'device:\n  type: Fixed Radio\n  capabilities:\n    - "no"\n    - "5.9"\ncode:\n  dependencies:\n    - numpy\n',
  )
  expect(parse(written).device).toEqual({ type: 'Fixed Radio', capabilities: ['no', '5.9'] })
})

test('another device than was asked for is told', () => {
  const { device } = parse(usual)
  expect(otherDevice({ nodeType: 'Rover', capabilities: ['lidar'] }, { device })).toBeUndefined()
  expect(otherDevice({ nodeType: 'Drone', capabilities: [] }, { device })).toBe(
    'config.yaml names the device Rover, lidar; the resource definition asks for Drone, which counts',
  )
})
