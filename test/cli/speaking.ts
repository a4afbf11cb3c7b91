import { Command, CommanderError } from 'commander'
import { vi } from 'vitest'
import { reasonOf } from '#bus/fault'
import { exitCode, exitCodeOf } from '../../src/cli/exit.ts'
import { experimentVerb } from '../../src/cli/experiments.ts'
import { controlModuleVerb, packageBuilderVerb } from '../../src/cli/site-commands.ts'

/** Verbs about experiments, run in this process against the server at an address. */
export const speaking = (url: () => string) => {
  /** Runs a verb to its end: its exit code and all that it said. */
  const run = async (...words: readonly string[]) => {
    const said: string[] = []
    const hear = (text: unknown) => said.push(String(text)) > 0
    const heard = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(hear))
    const program = new Command('millrace').exitOverride()
    for (const verb of [experimentVerb, packageBuilderVerb, controlModuleVerb]) verb(program)
    process.exitCode = undefined
    try {
      await program.parseAsync(['node', 'millrace', ...words, '--nats', url()])
      return { code: Number(process.exitCode ?? 0), output: said.join('') }
    } catch (cause) {
      if (cause instanceof CommanderError) return { code: exitCode.usage, output: said.join('') }
      return { code: exitCodeOf(cause), output: `${said.join('')}${reasonOf(cause)}\n` }
    } finally {
      process.exitCode = undefined
      for (const one of heard) one.mockRestore()
    }
  }
  /** The same of `millrace experiment …`. */
  const say = (...words: readonly string[]) => run('experiment', ...words)
  /** What it says, which is done. */
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { code, output } = await say(...words)
    if (code !== 0) throw new Error(`millrace experiment ${words.join(' ')} ended with ${code}:\n${output}`)
    return output
  }
  return { run, say, ask }
}
