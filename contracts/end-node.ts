import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import { name, said } from './names.ts'

const moment = z.iso.datetime({ offset: true })

/** For whom a node is kept free, from when until when. */
const reservation = z.object({
  reservation: name.describe('Tells it from others of this node'),
  project: name,
  from: moment,
  until: moment,
  note: said.default(''),
})

/** What has happened to an end node: who has it, and for whom it is kept free. */
export const endNodeEvents = {
  'end-node.occupied': decided('An experiment has it from now on', z.object({ experiment: z.string() })),
  'end-node.freed': decided('The experiment has it no longer', z.object({ experiment: z.string() })),
  'end-node.reserved': decided('It is kept free for a project', reservation),
  'end-node.unreserved': decided('It is not kept free any longer', z.object({ reservation: name, reason: said })),
} as const satisfies Contract

export type EndNodeEvent = MessageOf<typeof endNodeEvents>

/** What can be asked of an end node. */
export const endNodeCommands = {
  'end-node.reserve': command('Keep it free for a project', reservation),
  'end-node.unreserve': command(
    'Keep it free no longer',
    z.object({ reservation: name, reason: said.default('on request') }),
  ),
} as const satisfies CommandContract

export type EndNodeCommand = MessageOf<typeof endNodeCommands>
