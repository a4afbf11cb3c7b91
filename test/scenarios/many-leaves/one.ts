import { pipeline } from 'millrace'

export const one = pipeline('one_pipeline', {}, (action) => ({
  evaluate: action({ after: ['root_pipeline/train'] }, () => 'one'),
}))
