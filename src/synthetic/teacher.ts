/** The embedded teacher as a speaker: where there is no endpoint, dialogues are about the people of the made-up town. */
import { sayNext, type World } from '../world/index.ts'
import { type Clock, clock as real } from './budget.ts'
import type { Speaker } from './speaker.ts'

export function embeddedTeacher(world: World, teacher: 'good' | 'sloppy', clock: Clock = real): Speaker {
  return {
    model: `teacher-${teacher}`,
    endpoint: 'embedded',
    say: ({ topic, messages, seed }) =>
      Promise.resolve({
        text: sayNext(world, { subject: topic, messages, teacher, seed }),
        finish: 'stop',
        time: clock.now(),
      }),
  }
}
