/** What the web process answers about what was asked for, and about who is there, as the console calls it. */
export type { Preview } from '#contracts/repetition'
export type { HostRow as Host, PauseRow as Pause, RequestRow as Request } from '#contracts/rows'

/** A process that is there; `seenAt` in milliseconds since 1970. */
export type Present = {
  readonly host: string
  readonly machine: string
  readonly nodes: readonly string[]
  readonly seenAt: number
}
