import type { ExperimentCommand } from '#contracts/experiment-commands'
import { expire, far, node, other, resource, retry, site } from './stages.ts'
import {
  cancelRun,
  created,
  initiate,
  madeBy,
  markReady,
  moveToTestbed,
  results,
  run,
  story,
  submit,
  submitPartial,
  terminate,
} from './story.ts'

type Story = ReturnType<typeof story>

const make = (more: Parameters<typeof created>[0] = {}) =>
  story()
    .must('carol', created(more))
    .must('carol', { type: 'experiment.set-experimenters', data: { experimenters: ['emil', 'emma'] } })
const strict = () =>
  story('strict-1', 'strict').must('carol', created({ source: { link: 'https://git.example/x.git' } }))
const decline: ExperimentCommand = { type: 'experiment.decline', data: { reason: 'too fast' } }
const approve: ExperimentCommand = { type: 'experiment.approve', data: { reason: '' } }
const built = () => make().must('carol', initiate).take('fetch').take('ship').take('build')
const delivered = () => built().must('olga', moveToTestbed()).take('deliver')
const ready = () => delivered().must('olga', markReady)
const probed = () => ready().must('olga', run).take('probe')
const ran = () => probed().take('run').take('collect')
const halfRan = () =>
  probed()
    .begin('run')
    .end('run', { outcome: 'failed', reason: 'exit code 3', results: { ...results, partial: true } })
const silent = () => {
  const told = probed().begin('run')
  return told.must('portal', expire(told))
}
const atNorthOnly = () => {
  const told = make({ resource }).must('carol', initiate).take('fetch').take('ship', site).take('ship', other)
  told.take('build', site).begin('build', other).must('olga', moveToTestbed(node)).take('deliver', node)
  return told.must('olga', { type: 'experiment.mark-ready', data: { sites: ['north'] } })
}
const homeFromNorthOnly = () => {
  const sites = { sites: ['north'] }
  const told = atNorthOnly().must('olga', { type: 'experiment.run', data: sites }).take('probe', site).take('run', node)
  told.take('collect', node).must('olga', { type: 'experiment.submit', data: { ...sites, acceptPartial: false } })
  told.end('build', { outcome: 'succeeded', made: madeBy('build') }, other).must('olga', moveToTestbed(far))
  told.take('deliver', far).must('olga', { type: 'experiment.mark-ready', data: { sites: ['south'] } })
  told
    .must('olga', { type: 'experiment.run', data: { sites: ['south'] } })
    .take('probe', other)
    .begin('run', far)
  return told.take('pull', site).take('upload', site)
}
const home = () => ran().must('olga', submit).take('pull')

/** How an experiment comes to be so, and what is said of it. */
export const states: Readonly<Record<string, readonly [() => Story, string]>> = {
  unknown: [() => story(), ''],
  idle: [make, 'Idle · idle: idle'],
  'to be approved': [strict, 'Idle · idle: idle'],
  approved: [() => strict().must('ada', approve), 'Idle · idle: idle'],
  declined: [() => strict().must('ada', decline), 'Idle · idle: idle'],
  terminated: [() => built().must('olga', terminate), 'Idle · idle: idle'],
  fetching: [() => make().must('carol', initiate).begin('fetch'), 'Development · deploying: fetching'],
  'fetch failed': [() => make().must('carol', initiate).fail('fetch'), 'Development · deploying: fetching, failed'],
  shipping: [() => make().must('carol', initiate).take('fetch').begin('ship'), 'Development · deploying: shipping'],
  'ship failed': [
    () => make().must('carol', initiate).take('fetch').fail('ship'),
    'Development · deploying: shipping, failed',
  ],
  building: [
    () => make().must('carol', initiate).take('fetch').take('ship').begin('build'),
    'Development · deploying: building',
  ],
  'build failed': [
    () => make().must('carol', initiate).take('fetch').take('ship').fail('build'),
    'Development · deploying: building, failed',
  ],
  'shipping again': [
    () => make().must('carol', initiate).take('fetch').take('ship').fail('build').must('olga', retry(site, 'ship')),
    'Development · deploying: shipping',
  ],
  built: [built, 'Development · deploying: built'],
  delivering: [() => built().must('olga', moveToTestbed()).begin('deliver'), 'TESTBED · deploying: delivering'],
  'delivery failed': [
    () => built().must('olga', moveToTestbed()).fail('deliver'),
    'TESTBED · deploying: delivering, failed',
  ],
  delivered: [delivered, 'TESTBED · deploying: delivered'],
  ready: [ready, 'TESTBED · ready: delivered'],
  probing: [() => ready().must('olga', run).begin('probe'), 'TESTBED · ready: running'],
  'probe failed': [() => ready().must('olga', run).fail('probe'), 'TESTBED · ready: running, failed'],
  'probe cancelled': [
    () => ready().must('olga', run).begin('probe').must('olga', cancelRun),
    'TESTBED · ready: running, cancelled',
  ],
  running: [() => probed().begin('run'), 'TESTBED · ready: running'],
  cancelling: [() => probed().begin('run').must('olga', cancelRun), 'TESTBED · ready: running'],
  'run cancelled': [() => probed().must('olga', cancelRun), 'TESTBED · ready: running, cancelled'],
  'run silent': [silent, 'TESTBED · ready: running, failed'],
  collecting: [() => probed().take('run').begin('collect'), 'TESTBED · ready: collecting'],
  'run failed': [() => probed().fail('run'), 'TESTBED · ready: running, failed'],
  'run failed with results': [() => halfRan().take('collect'), 'TESTBED · ready: cleaned, failed'],
  'collection failed': [() => probed().take('run').fail('collect'), 'TESTBED · ready: collecting, failed'],
  'collection cancelled': [
    () => probed().take('run').must('olga', cancelRun),
    'TESTBED · ready: collecting, cancelled',
  ],
  'run finished': [ran, 'TESTBED · ready: cleaned'],
  'run again': [() => ran().must('olga', run).take('probe').begin('run'), 'TESTBED · ready: running'],
  'behind at one site': [atNorthOnly, 'Development · deploying: building'],
  'done at one site': [homeFromNorthOnly, 'TESTBED · ready: running'],
  pulling: [() => ran().must('olga', submit).begin('pull'), 'TESTBED · submitted: pulling'],
  'pull failed': [() => ran().must('olga', submit).fail('pull'), 'TESTBED · submitted: pulling, failed'],
  'collecting again': [
    () => ran().must('olga', submit).fail('pull').must('olga', retry(node, 'collect')).begin('collect'),
    'TESTBED · submitted: collecting',
  ],
  'collection failed again': [
    () => ran().must('olga', submit).fail('pull').must('olga', retry(node, 'collect')).fail('collect'),
    'TESTBED · submitted: pulling, failed',
  ],
  uploading: [() => home().begin('upload'), 'TESTBED · submitted: uploading'],
  'upload failed': [() => home().fail('upload'), 'TESTBED · submitted: uploading, failed'],
  done: [() => home().take('upload'), 'TESTBED · submitted: done'],
  archived: [
    () => home().take('upload').must('carol', { type: 'experiment.archive', data: {} }),
    'TESTBED · submitted: done',
  ],
}

/** The commands that people give, shortly. */
export const commands: Readonly<Record<string, ExperimentCommand>> = {
  create: created(),
  update: { type: 'experiment.update', data: { name: 'Another' } },
  people: { type: 'experiment.set-experimenters', data: { experimenters: ['mia'] } },
  link: { type: 'experiment.set-cloud-link', data: { cloudLink: { kind: 'directory', path: 'elsewhere' } } },
  approve,
  decline,
  initiate,
  end: terminate,
  testbed: moveToTestbed(),
  ready: markReady,
  run,
  cancel: cancelRun,
  submit,
  partial: submitPartial,
  archive: { type: 'experiment.archive', data: {} },
  package: { type: 'experiment.package', data: { site: 'north' } },
}
