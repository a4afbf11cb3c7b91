import { pipeline } from 'millrace'

export const leaf2 = pipeline('leaf2_pipeline', {}, (action) => ({ third: action({}, () => 'third') }))
