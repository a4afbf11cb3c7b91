import { Command } from 'commander'
import { expect, test } from 'vitest'
import { verbs } from '../../src/cli/verbs.ts'

test('each verb is found under the name that it is loaded by', async () => {
  for (const [name, load] of Object.entries(verbs)) {
    const program = new Command()
    const verb = await load()
    verb(program)
    const visible = program.createHelp().visibleCommands(program)
    expect(visible.map((one) => one.name()).filter((one) => one !== 'help')).toEqual([name])
  }
})
