export { systemClock } from '../system/system-clock.ts'
