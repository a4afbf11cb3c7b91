import { z } from 'zod'
export const gitLink = z.string().max(2_000)
export const hostOfGitLink = (link: string): string => link
