import { pipeline } from 'millrace'

export const leaf1 = pipeline('leaf1_pipeline', {}, (action) => ({
  second: action({ after: ['root_pipeline/first'], next: ['leaf2_pipeline/third'] }, () => 'second'),
}))
