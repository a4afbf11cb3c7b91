import type { Room } from '#contracts/disk'

/** What the web process answers about sites, their end nodes, and who is told of what. */
export type Site = {
  readonly site: string
  readonly server: string
  readonly builder: 'site-server' | 'command'
  /** Null where nobody can tell. */
  readonly present: boolean | null
  readonly nodes: number
  readonly free: number
  readonly occupied: number
  readonly running: number
  /** Of its site server; null where nobody can tell. */
  readonly disk: Room | null
}

export type EndNode = {
  readonly part: string
  readonly site: string
  readonly node: string
  readonly type: string | null
  readonly capabilities: readonly string[]
  readonly agent: string | null
  readonly state: 'free' | 'occupied' | 'removed'
  readonly occupiedBy: string | null
  readonly project: string | null
  readonly occupiedAt: string | null
  readonly disk: Room | null
  /** Whether its agent, or the site server that drives it, is there; null where nobody can tell. */
  readonly present: boolean | null
}

/** A span in which an end node is kept free; whose it is stands there for those of that project, and for operators. */
export type Reservation = {
  readonly part: string
  readonly reservation: string | null
  readonly project: string | null
  readonly startsAt: string
  readonly endsAt: string
  readonly note: string | null
  readonly by: string | null
}

export type Notification = {
  readonly position: string
  readonly experiment: string
  readonly to: string
  readonly way: 'mail' | 'webhook'
  readonly occasion: string
  readonly subject: string
  readonly outcome: 'sent' | 'failed'
  readonly reason: string | null
  readonly at: string
}
