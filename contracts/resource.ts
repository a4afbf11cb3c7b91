import { z } from 'zod'
import { name } from './names.ts'
export const resourceDefinition = z.object({
  nodeType: z.string(),
  capabilities: z.array(z.string()).default([]),
  count: z.int().default(1),
  sites: z.array(name).min(1),
  hours: z.number().min(1).max(12),
})
export type ResourceDefinition = z.infer<typeof resourceDefinition>
