import { sshMachine } from '#agents/machines/ssh-machine'
import type { SshSettings } from '#agents/machines/ssh-settings'

const never = new AbortController().signal

/** What comes of a program that is run with these settings, in a connection of its own. */
export const tryTo = async (settings: SshSettings, env: Readonly<Record<string, string>> = {}): Promise<unknown> => {
  const machine = sshMachine(settings)
  Object.assign(process.env, env)
  try {
    return (await machine.run(['echo', 'let in'], { signal: never })).lastWords
  } catch (cause) {
    return cause
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
    await machine.close()
  }
}
