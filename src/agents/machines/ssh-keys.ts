import { readFile } from 'node:fs/promises'
import ssh2, { type AnyAuthMethod } from 'ssh2'
import { reasonOf } from '#bus/fault'
import { machineFaults } from './machine-faults.ts'
import type { Reached } from './ssh-settings.ts'

/** What a user shows to a machine, in order, and what each is called in front of people. */
export type Proofs = { readonly methods: AnyAuthMethod[]; readonly names: readonly string[] }

/** The keys that are there and can be read, then those that an agent holds. Rejects where that comes to nothing. */
export const proofsFor = async (reached: Reached): Promise<Proofs> => {
  const { identityFiles, agent, user: username, hostname, port } = reached
  const methods: AnyAuthMethod[] = []
  const names: string[] = []
  const passedOver: string[] = []
  for (const file of identityFiles) {
    const key = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'is not there' : `can't be read (${cause.code})`
      passedOver.push(`${file} ${why}`)
    })
    if (!key) continue
    const parsed = ssh2.utils.parseKey(key)
    if (parsed instanceof Error) {
      passedOver.push(
        /encrypted/i.test(parsed.message) ? `${file} has a passphrase` : `${file} is no key: ${reasonOf(parsed)}`,
      )
      continue
    }
    methods.push({ type: 'publickey', username, key })
    names.push(file)
  }
  if (agent !== undefined) {
    methods.push({ type: 'agent', username, agent })
    names.push(`those of the agent at ${agent}`)
  }
  if (methods.length === 0) throw machineFaults.noKey(`${hostname}:${port}`, username, passedOver)
  return { methods, names }
}
