import { z } from 'zod'
import { count } from './names.ts'

/** How many bytes are free for whoever writes there, and how many the disk holds in all. */
export const disk = z.object({ free: count, total: count })
export type Disk = z.output<typeof disk>

/** The same for people, with whether somebody should make room. */
export const room = disk.extend({ low: z.boolean().describe('Less than a tenth is free') })
export type Room = z.output<typeof room>

export const roomOf = ({ free, total }: Disk): Room => ({ free, total, low: free < total / 10 })
