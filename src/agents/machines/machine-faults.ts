import { Fault, reasonOf } from '#bus/fault'

/** What a machine said, so that it can stand at the end of a sentence. */
const said = (words: string): string => {
  const last = words.trim().split('\n').slice(-3).join(' · ').trim()
  return last ? `: ${last}` : ''
}

/** All that can break between this machine and one that programs are run on. Sentences say where, what was said, what to do. */
export const machineFaults = {
  badName: (what: string, name: string, why: string) =>
    new Fault(
      'machine.bad-name',
      `${JSON.stringify(name)} can't be ${what}: ${why}. Correct the settings of the machine`,
    ),
  unreachable: (where: string, cause: unknown, why = reasonOf(cause)) =>
    new Fault(
      'machine.unreachable',
      `${where} can't be reached over ssh: ${why}. See that it is on, that sshd listens there, and that no firewall stands between`,
      { cause },
    ),
  unknownHost: (where: string, shown: string, lookedIn: readonly string[], how: string) =>
    new Fault(
      'machine.host-key-unknown',
      `${where} is not known yet: it showed the key ${shown}, and none is kept for it in ${lookedIn.join(' or ')}. Ask whoever runs it for its fingerprint, compare it with what ${how} | ssh-keygen -lf - says, and add the line that ${how} prints to ${lookedIn[0]}`,
    ),
  changedHost: (where: string, shown: string, known: readonly string[], lookedIn: readonly string[], how: string) =>
    new Fault(
      'machine.host-key-changed',
      `${where} showed the key ${shown}, but another one is kept for it in ${lookedIn.join(' or ')} (${known.join(', ')}): somebody may stand between, or it was set up anew. Ask whoever runs it; if the new key is right, remove the old one with ssh-keygen -R and add what ${how} prints`,
    ),
  revokedHost: (where: string, shown: string, lookedIn: readonly string[]) =>
    new Fault(
      'machine.host-key-changed',
      `${where} showed the key ${shown}, which ${lookedIn.join(' or ')} says is revoked. Ask whoever runs it for its new key`,
    ),
  noKey: (where: string, user: string, reasons: readonly string[]) =>
    new Fault(
      'machine.no-key',
      `There is no key to show to ${where} as ${user}: ${reasons.join('; ') || 'no identity file is named'}. Name a key without a passphrase with identityFile, or add yours to an agent with ssh-add`,
    ),
  keyRefused: (where: string, user: string, shown: readonly string[], cause: unknown) =>
    new Fault(
      'machine.key-refused',
      `${where} refused the user ${user} with the key ${shown.join(', ')}. Add its public half to ~/.ssh/authorized_keys of ${user} there, or name another user or identityFile`,
      { cause },
    ),
  lost: (where: string, doing: string, why: string, cause?: unknown) =>
    new Fault(
      'machine.connection-lost',
      `The connection to ${where} broke while it was to ${doing}${said(why)}. What ran there is ended as its sshd notices. Try again once it can be reached`,
      { cause },
    ),
  busy: (where: string, cause: unknown) =>
    new Fault(
      'machine.busy',
      `${where} lets nothing more be run over this connection: ${reasonOf(cause)}. Raise MaxSessions in its sshd_config, or lower sessions in the settings`,
      { cause },
    ),
  badConfig: (host: string, words: string) =>
    new Fault(
      'machine.bad-config',
      `ssh -G ${host} could not tell how to reach it${said(words)}. Correct the ssh_config`,
    ),
  throughProxy: (host: string) =>
    new Fault(
      'machine.bad-config',
      `The ssh_config reaches ${host} with ProxyCommand, which is not supported here: use ProxyJump, or name an address that can be reached directly`,
    ),
  noProgram: (where: string, program: string) =>
    new Fault(
      'machine.no-program',
      `There is no program ${program} at ${where}. Install it there, or name it by its path`,
    ),
  noFolder: (where: string, folder: string) =>
    new Fault(
      'machine.no-folder',
      `There is no folder ${folder} at ${where} that can be entered. Make it, or name another one`,
    ),
  noSpace: (where: string, doing: string, words: string) =>
    new Fault(
      'machine.no-space',
      `There is no space left at ${where} to ${doing}${said(words)}. Free some, and try again: it goes on where it was`,
    ),
  copyFailed: (where: string, doing: string, words: string) =>
    new Fault('machine.copy-failed', `${where} could not ${doing}${said(words)}. Mend that, and try again`),
} as const
