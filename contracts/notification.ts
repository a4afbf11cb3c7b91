import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, fact, type MessageOf } from './contract.ts'
import { name, said } from './names.ts'

/** What somebody can be told about. */
export const occasions = ['waits-for-me', 'failed', 'finished', 'step'] as const
export const occasion = z.enum(occasions)

/** What somebody wants to be told, and how. */
export const preferences = z.object({
  mail: z.email('expected an address such as carol@example.org').max(320).optional().describe('Where mail is sent to'),
  webhook: z
    .url({ protocol: /^https?$/, error: 'expected an address that begins with https:// or http://' })
    .max(2_000)
    .optional()
    .describe('What is posted to'),
  occasions: z.array(occasion).default(['waits-for-me', 'failed', 'finished']).describe('When; step: at every step'),
})
export type Preferences = z.output<typeof preferences>

/** Where it is decided what is kept of a person. */
export const addressOfPerson = (person: string) => ({ aggregate: 'person', scope: 'all', key: person }) as const

/** What somebody has said of how to be told. */
export const personEvents = {
  'person.preferences-set': decided('Somebody wants to be told so', preferences),
} as const satisfies Contract

export type PersonEvent = MessageOf<typeof personEvents>

/** What can be asked of what is kept of a person: by that person alone. */
export const personCommands = {
  'person.set-preferences': command('Say what to be told, and how', preferences),
} as const satisfies CommandContract

export type PersonCommand = MessageOf<typeof personCommands>

const told = z.object({
  experiment: z.string(),
  about: z.string().describe('The id of the event that it tells of'),
  to: name.describe('Whom'),
  way: z.enum(['mail', 'webhook']),
  occasion,
  subject: said,
})

/** What the notifier has done. */
export const notificationEvents = {
  'notification.sent': fact('Somebody was told of something', told),
  'notification.failed': fact('Somebody could not be told, however often it was tried', told.extend({ reason: said })),
} as const satisfies Contract

export type NotificationEvent = MessageOf<typeof notificationEvents>
