import { memoryHub } from '#bus/memory'
import { behavesLikeABus } from './conformance.ts'

const memory = memoryHub()

behavesLikeABus('memory', async (principal = 'test') => memory.connect(principal))
