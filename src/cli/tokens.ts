import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Fault, reasonOf } from '#bus/fault'
import { inTurnWith, writeWhole } from '#bus/files'
import { name } from '#contracts/names'
import { exitCode } from './exit.ts'
import { print, printRows } from './print.ts'

type Holder = { readonly name: string; readonly sha256: string; readonly note?: string }
type Options = { readonly tokens: string; readonly note?: string; readonly json?: boolean }

const usual = 'tokens.json'

/** Who may come in to a web process: the file holds no token, only what one is known by. */
export const tokensVerb = (program: Command): void => {
  const tokens = program.command('tokens').description('say who may come in to a web process that others can reach')
  const withFile = (command: Command): Command =>
    command.option('--tokens <file>', 'the file that the web process is given', usual)

  withFile(tokens.command('add <name>'))
    .description('make a token for somebody, and print it: it is not kept, and can not be shown again')
    .option('--note <text>', 'what it is for')
    .addHelpText('after', '\nExample:\n  millrace tokens add olga --tokens tokens.json --note "her laptop"')
    .action(async (who: string, { tokens: file, note }: Options) => {
      if (!name.safeParse(who).success)
        throw new Fault('config.name', `'${who}' can be nobody's name: use letters, digits, - and _`)
      const token = randomBytes(32).toString('base64url')
      const sha256 = createHash('sha256').update(token).digest('hex')
      const holder = { name: who, sha256, ...(note !== undefined && { note }) }
      await change(file, (holders) => [...holders, holder])
      print(token)
    })

  withFile(tokens.command('ls'))
    .description('list who may come in')
    .option('--json', 'print JSON, for programs')
    .action(({ tokens: file, json = false }: Options) => printRows(holdersIn(file), ['name', 'note', 'sha256'], json))

  withFile(tokens.command('revoke <name>'))
    .description('take away all tokens of somebody, who is signed out at once')
    .action(async (who: string, { tokens: file }: Options) => {
      const isThere = await change(file, (holders) => {
        const left = holders.filter((one) => one.name !== who)
        return left.length === holders.length ? undefined : left
      })
      if (!isThere) {
        process.stderr.write(`${who} has no token in ${resolve(file)}. See: millrace tokens ls\n`)
        process.exitCode = exitCode.missing
        return
      }
      print(`${who} has no token any more`)
    })
}

const holdersIn = (file: string): readonly Holder[] => {
  if (!existsSync(file)) return []
  try {
    const holders: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (Array.isArray(holders)) return holders
    throw new Error('expected a list')
  } catch (cause) {
    throw new Fault('config.tokens', `${resolve(file)} is no list of those who may come in: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

/** Writes what becomes of a file, unless nothing does; of several who change it at once each finds what the others have written. */
const change = (file: string, to: (holders: readonly Holder[]) => readonly Holder[] | undefined): Promise<boolean> =>
  inTurnWith(resolve(file), async () => {
    const holders = to(holdersIn(file))
    if (holders) await writeWhole(resolve(file), `${JSON.stringify(holders, undefined, 2)}\n`)
    return holders !== undefined
  })
