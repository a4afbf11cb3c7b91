import { env } from 'node:process'
import { shelvesIn } from './resource-shelves.ts'

export const shelves = shelvesIn(env.MILLRACE_TEST_SHELF ?? '')
