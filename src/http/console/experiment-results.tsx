import type { Results } from '#contracts/experiment-parts'
import type { ExperimentDetail } from './api-experiments.ts'
import { ExperimentFiles } from './experiment-files.tsx'
import { linkWords, placeWords } from './experiment-words.ts'
import { Pill } from './pill.tsx'
import { Table } from './table.tsx'
import { sizeOf } from './text.ts'

type Row = { readonly part: string; readonly run: number | null; readonly results: Results }

/** What the runs have left on each end node, told by their manifests, and where it has been brought. */
export const ExperimentResults = ({ experiment }: { readonly experiment: ExperimentDetail }) => {
  const { steps, cloudLink } = experiment
  const rows = steps.flatMap(
    ({ part, run, results, step, attempt }): readonly (Row & { readonly attempt: number })[] =>
      step === 'run' && results ? [{ part, run, results, attempt }] : [],
  )
  if (rows.length === 0) return null
  const uploads = steps.flatMap(({ part, made, attempt }) =>
    made?.step === 'upload' && attempt === experiment.attempt ? [{ ...made, of: placeWords(part) }] : [],
  )
  return (
    <section aria-label="Results">
      <h2>Results</h2>
      <Table
        rows={rows}
        keyOf={({ part, run, attempt }) => `${attempt} ${part} ${run}`}
        columns={[
          { label: 'Of', of: ({ part, run }) => `run ${run ?? 1} at ${placeWords(part)}` },
          { label: 'Files', of: ({ results: { files } }) => String(files), short: true },
          { label: 'Size', of: ({ results: { bytes } }) => sizeOf(bytes), short: true },
          {
            label: 'Is',
            of: ({ results: { partial } }) => <Pill state={partial ? 'partial' : 'complete'} />,
            short: true,
          },
          { label: 'Left behind', of: ({ results: { refused } }) => refused > 0 && `${refused} that were no files` },
          { label: 'Manifest, SHA-256', of: ({ results: { manifest } }) => <code>{manifest}</code>, long: true },
        ]}
      />
      <p className="quiet">
        {uploads.length > 0
          ? `Uploaded ${uploads.map(({ of, to, files, bytes }) => `from ${of} to ${to}: ${files} ${files === 1 ? 'file' : 'files'}, ${sizeOf(bytes)}`).join('; ')}.`
          : `They go to ${linkWords(cloudLink)}.`}
      </p>
      {steps.some(
        ({ step, outcome, attempt }) => step === 'pull' && outcome === 'succeeded' && attempt === experiment.attempt,
      ) && <ExperimentFiles experiment={experiment.experiment} />}
    </section>
  )
}
