import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { defaultPort, defaultState } from '#bus/connection-of'
import { hostIn, localCredentials, portIn } from '#bus/credentials'
import { Fault } from '#bus/fault'
import { writeWhole } from '#bus/files'
import { holderOf } from '#bus/lock'
import type { Role, Wanted } from '#bus/permissions'
import { speaksForOthers } from '#bus/requests'
import { admit, expel, reload, secure, usersOf } from '#bus/secure'
import { name } from '#contracts/names'
import { exitCode } from './exit.ts'
import { inUrl } from './options.ts'
import { print, printRows, shown } from './print.ts'
import { rightsOf } from './rights-of.ts'
import { stateFolder } from './state.ts'

type Options = {
  readonly state: string
  readonly address?: string
  readonly out?: string
  readonly force?: boolean
  readonly json?: boolean
  readonly config?: readonly string[] | string
  readonly site?: string
  readonly node?: string
  readonly web: boolean
  readonly bucket?: boolean
}

export const certsVerb = (program: Command): void => {
  const certs = program
    .command('certs')
    .description('make what lets other machines in: an authority, certificates, credentials')
    .option('--state <folder>', 'where state is kept on this machine', defaultState)
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', '\nExample:\n  millrace certs\n  millrace certs host leaf --address hub.lab:4222')
    .action(async ({ state, json = false }: Options) => {
      stateFolder(state)
      const { authority, certificate, config } = await secure(state)
      const ca = resolve(authority.folder, 'ca.pem')
      const goodFor = [...certificate.names, ...certificate.addresses]
      const expires = certificate.expires.toISOString()
      const reloaded = await reload(state)
      const made = { authority: ca, server: certificate.path, expires, goodFor, config, reloaded }
      if (json) return print(JSON.stringify(made))
      print(`Authority: ${ca}`)
      print(`Server:    ${certificate.path}, until ${expires.slice(0, 10)}`)
      print(`           good for ${goodFor.join(', ')}`)
      print(`Config:    ${config}`)
      if (reloaded) print('The running server uses them now')
      else print(`${await firstStop(state)}Start the server with them: millrace nats --host 0.0.0.0`)
    })

  admitting(certs.command('host <name>'), 'host')
    .description('write the one file that a host of another machine needs')
    .option('--config <file...>', 'what it runs: then it may do that, and nothing else')
    .option(
      '--no-web',
      'without rights for a web process, which speaks for its users; at a portal, where its file names the host',
    )
    .addHelpText('after', '\nExample:\n  millrace certs host leaf --address hub.lab:4222 --config leaf.ts')

  admitting(certs.command('script <name>'), 'script')
    .description('write the one file that a person or a script needs to ask, to read and to report')
    .option('--bucket', 'for one that also sends files to stores: with a bucket of its own')
    .addHelpText('after', '\nExample:\n  millrace certs script ann --address hub.lab:4222')

  admitting(certs.command('portal <name>'), 'portal').description(
    'write the one file that a portal of experiments needs',
  )

  admitting(certs.command('site <name>'), 'site')
    .description('write the one file that a site server needs')
    .option('--site <name>', 'the site; that of the name unless said')
    .option('--config <file>', "the site server's file: then it may take the work of that site and its end nodes alone")
    .addHelpText('after', '\nExample:\n  millrace certs site north --address hub.lab:4222')

  admitting(certs.command('end-node <name>'), 'end-node')
    .description('write the one file that an end node needs which runs an agent of its own')
    .requiredOption('--site <name>', 'its site')
    .requiredOption('--node <name>', 'what it is called there')
    .addHelpText(
      'after',
      '\nExample:\n  millrace certs end-node rover-one --site north --node one --address hub.lab:4222',
    )

  certs
    .command('ls')
    .description('list who is let in')
    .action(async (_: object, command: Command) => {
      const { state, json = false } = command.optsWithGlobals<Options>()
      const users = await usersOf(state)
      const rows = users.map(({ wanted, ...user }) => ({
        ...user,
        role: wanted === 'everything' ? wanted : [...new Set(wanted.map(({ role }) => role))].join(' '),
      }))
      printRows(rows, ['name', 'role', 'nkey'], json)
    })

  certs
    .command('revoke <name>')
    .description('shut somebody out: its file is no longer good')
    .action(async (who: string, _: object, command: Command) => {
      const { state, json = false } = command.optsWithGlobals<Options>()
      if (!(await expel(state, who))) {
        process.stderr.write(`Nobody called ${who} is let in. See: millrace certs ls\n`)
        process.exitCode = exitCode.missing
        return
      }
      const reloaded = await reload(state)
      if (json) return print(JSON.stringify({ name: who, revoked: true, reloaded }))
      print(reloaded ? `${who} is shut out` : `${who} is shut out from the next start of the server on`)
    })
}

/** A verb that lets somebody in. */
const admitting = (command: Command, role: Role): Command =>
  command
    .option('--address <host:port>', 'by what the other machine reaches the server; by default this host and its port')
    .option('--out <file>', 'where to write it; by default credentials/<name>.creds.json under the state folder')
    .option('--force', 'overwrite a file that is there')
    .action(async (who: string, _: object, self: Command) => {
      const {
        state,
        address,
        force,
        json = false,
        config: given = [],
        web,
        site,
        node,
        bucket,
        ...options
      } = self.optsWithGlobals<Options>()
      if (!name.safeParse(who).success || speaksForOthers(who) || who === 'local')
        throw new Fault(
          'config.name',
          `'${who}' can be nobody's name: use letters, digits, - and _, not web-… or local`,
        )
      const out = resolve(options.out ?? join(stateFolder(state, 'credentials'), `${who}.creds.json`))
      if (existsSync(out) && !force) throw new Fault('config.out', `${out} is there already: use --out or --force`)
      const config = [given].flat()
      const wanted = await rightsOf(role, who, { config, site, node, bucket })
      const forWeb = wanted.map((one): Wanted => ({ ...one, role: 'web', principal: `web-${who}` }))
      const credentials = await admit(state, urlOf(state, address), wanted, role === 'host' && web ? forWeb : undefined)
      await writeWhole(out, JSON.stringify(credentials, null, 2))
      const running = await reload(state, credentials)
      if (json) return print(JSON.stringify({ name: who, file: out, url: credentials.url, reloaded: running }))
      print(`Wrote ${out}: carry it to the other machine, and let nobody else read it, git included. For example:`)
      print(`  scp ${shown(out)} <user>@<other machine>:`)
      const verbs = (verbsOf[role] ?? []).map((verb) => `millrace ${verb} --creds ./${basename(out)}`)
      print(`There, once it is carried, with the path that it has there: ${verbs.join(', or for its pages alone: ')}`)
      if (role === 'host' && config.length === 0) print('It may run any pipeline; to narrow that, use --config <file>')
      if (role === 'site' && config.length === 0)
        print(
          'It may take the work of other sites too, as their consumers are not told apart; to narrow that, use --config <file>',
        )
      if (!running)
        print(`No server with TLS runs here yet. ${await firstStop(state)}Start one: millrace nats --host 0.0.0.0`)
    })

/** What a file is used for, by the role that it is for. */
const verbsOf: Readonly<Partial<Record<Role, readonly string[]>>> = {
  host: ['up <config>', 'web'],
  script: ['status'],
  portal: ['agent portal <file>'],
  site: ['agent site <file>'],
  'end-node': ['agent end-node <file>'],
}

/** What is to be done before a server with TLS can start: one without it may be in its place. */
const firstStop = async (state: string): Promise<string> => {
  const holder = await holderOf(resolve(state, 'nats/server.lock'))
  return holder
    ? `A server without TLS runs from ${shown(resolve(state))}: first stop process ${holder.pid}, which keeps it. `
    : ''
}

/** By what the other machine reaches the server. */
const urlOf = (state: string, address: string | undefined): string => {
  const local = localCredentials(state)?.url
  const port = local ? portIn(local) : defaultPort
  const given = address ?? `${hostname()}:${port}`
  const host = hostIn(given)
  return `tls://${inUrl(host)}:${/:\d+$/.test(given) ? portIn(given) : port}`
}
