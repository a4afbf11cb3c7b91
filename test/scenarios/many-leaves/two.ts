import { pipeline } from 'millrace'

export const two = pipeline('two_pipeline', {}, (action) => ({
  evaluate: action({ after: ['root_pipeline/train'] }, () => 'two'),
}))
