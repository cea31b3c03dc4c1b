/** Whether this clinic's own decisions move its recommendations; remembered on this computer. On unless switched off. */

import { remember, remembered } from './preferences.ts';

export class HabitChoice {
  on = $state(remembered('learn-from-decisions') !== 'off');

  choose(on: boolean): void {
    this.on = on;
    remember('learn-from-decisions', on ? 'on' : 'off');
  }
}
