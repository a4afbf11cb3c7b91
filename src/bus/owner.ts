import { askedOf } from '#contracts/subjects'

/** Who is missing where nobody answers a request, and what to do, in words of whoever asked. */
export const missingOwner = (subject: string): string => {
  const { root, scope, agent } = askedOf(subject)
  switch (root) {
    case 'queries':
      if (scope === 'all')
        return `Nobody answers for the portal: no web process is running. Start one with: millrace web`
      return `Nobody answers for the metadata of ${scope}: the web process that keeps it is not running. Start it with: millrace up, or millrace web`
    case 'commands':
      if (ofPortal.test(subject))
        return 'Nobody answers for the portal: its host is not running. Start it on its machine. Who is there: millrace hosts ls'
      return `Nobody answers for the pipeline ${scope}: the host that owns it is not running. ${start}`
    case 'services':
      return `Nobody answers for ${scope}/${agent}: the host that keeps it is not running. ${start}`
    default:
      return `Nobody answers ${subject}: whoever does is not running. ${start}`
  }
}

/** Commands that a portal decides on. */
const ofPortal = /^commands\.(experiment|end-node|portal|person)\./

const start = 'Start it with: millrace up, or millrace agent. Who is there: millrace hosts ls'
