import { filesystemStore, metadataStore, pipeline } from 'millrace'

const sh = (script: string) => ['sh', '-c', script] as const

/** Programs of every manner. */
export const programs = pipeline(
  'programs',
  {
    metadata: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true }),
    models: filesystemStore({ path: './models' }),
  },
  (action) => ({
    reports: action({
      after: ['inbox'],
      exec: sh(`
        echo 'a line of its log'
        echo '{"millrace":"metric","key":"loss","value":0.5,"step":1}'
        echo '{"millrace": "metric", "key": "loss", "value": NaN, "step": 2}'
        echo '{"millrace":"metric","key":"loss","value":-Infinity}'
        echo '{"millrace":"param","key":"rate","value":[1,{"a":null}]}'
        echo '{"millrace":"tag","key":"kind","value":"test"}'
        echo '{"millrace":"progress","done":1,"of":2}'
        printf '{"millrace":"artifact","store":"models","path":"m.txt","text":"weights","tags":{"a":"b"}}\\n'
        echo '{"millrace":"message","text":"trained"}'
      `),
    }),
    saysNo: action({ exec: sh(`echo '{"millrace":"failed","reason":"no better"}'`) }),
    exits: action({ exec: sh('echo before it broke >&2; exit 3') }),
    isMissing: action({ exec: ['no-such-program-anywhere'] }),
    mumbles: action({
      exec: sh(`
        echo '{"millrace":"metric","key":"loss"}'
        echo '{"millrace":"metric","key":'
        echo '{"millrace":"dance"}'
        echo '{"millrace":"metrik","key":"loss","value":1}'
        echo '{"millrace":"metric","key":"loss","value":"low","step":"1"}'
        echo '{"not":"ours"}'
      `),
    }),
    showsInput: action({ after: ['inbox'], exec: ['cat', 'input.json'] }),
    readsInput: action({ after: ['inbox'], exec: sh('cat "$MILLRACE_INPUT"; echo; env | grep ^MILLRACE_') }),
    isDeaf: action({ exec: sh('trap "" TERM; echo pid $$; while true; do sleep 0.1; done') }),
    obeys: action({ exec: sh('trap "echo stopping; exit 0" TERM; echo pid $$; while true; do sleep 0.05; done') }),
    isNoText: action({ exec: sh(`printf 'caf\\351 \\377\\376 end\\n'`) }),
    rewrites: action({
      exec: sh(`for i in 1 2 3 4 5 6 7 8 9; do printf 'epoch %s of 9\\r' $i; done; printf 'done\\n'`),
    }),
    floods: action({
      exec: sh('yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef | head -c 100000000'),
    }),
    hasNoEnd: action({ exec: sh('head -c 3000000 /dev/zero | tr "\\0" x') }),
    isElsewhere: action({ exec: { command: ['pwd'], cwd: 'inbox', env: { COLOR: 'blue' } } }),
    leavesOne: action({ exec: sh('sleep 60 & echo left $!') }),
    odd: action({ exec: ['printf', '%s|', 'a b', '$(rm x)', '"', "'", '', '-n', '*'] }),
    tagsAndUses: action({
      exec: sh(`
        echo '{"millrace":"artifact-tag","store":"models","path":"m.txt","tags":{"good":"yes"}}'
        echo '{"millrace":"used","store":"models","path":"m.txt"}'
      `),
    }),
    tagsNowhere: action({
      exec: sh(`echo '{"millrace":"artifact-tag","store":"model","path":"m.txt","tags":{"good":"yes"}}'`),
    }),
    savesNoFile: action({
      exec: sh(`echo '{"millrace":"artifact","store":"models","path":"x.txt","file":"out/x.txt"}'`),
    }),
    savesFolder: action({
      exec: sh(`echo '{"millrace":"artifact","store":"models","path":"x.txt","file":"inbox"}'`),
    }),
    readsNoStore: action({}, async ({ stores }) => {
      const { modles } = await Promise.resolve(stores as unknown as Record<string, typeof stores.models>)
      await modles?.save('x.txt', '1')
    }),
    savesTwice: action({
      exec: sh(`
        echo '{"millrace":"artifact","store":"models","path":"x.txt","text":"1"}'
        echo '{"millrace":"artifact","store":"nowhere","path":"x.txt","text":"1"}'
      `),
    }),
  }),
)

const steps: string[] = []
const step = (name: string) => () => void process.stdout.write(`${name}\n`)
const all = {
  before: step('before'),
  onSuccess: step('onSuccess'),
  onFailure: step('onFailure'),
  onError: step('onError'),
}
const broken = (name: string) => () => {
  throw new Error(`${name} broke`)
}

/** Actions with all their steps, in every way in which they can go. */
export const hooks = pipeline('hooks', {}, (action) => ({
  succeeds: action({}, { ...all, after: step('after'), execute: () => 'well' }),
  saysNo: action({}, { ...all, after: step('after'), execute: () => ({ failed: 'no better' }) }),
  throws: action({}, { ...all, after: step('after'), execute: broken('execute') }),
  cannotBegin: action({}, { ...all, after: step('after'), before: broken('before'), execute: () => 'never' }),
  spoils: action({}, { ...all, after: step('after'), onSuccess: broken('onSuccess'), execute: () => 'well' }),
  breaksTwice: action({}, { ...all, onError: broken('onError'), after: broken('after'), execute: broken('execute') }),
  program: action({ exec: ['echo', 'the program'] }, { before: step('before'), after: step('after') }),
  plain: action({}, () => `${steps.length}`),
}))
