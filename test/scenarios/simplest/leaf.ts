import { pipeline } from 'millrace'

export const leaf = pipeline('leaf_pipeline', {}, (action) => ({
  shakespeare_eval: action({ after: ['root_pipeline/logging_node'] }, ({ run }) => `evaluated run ${run.number}`),
}))
