/** Whether this clinic's own decisions move its recommendations; remembered on this computer. On unless switched off. */

const KEY = 'flame.learn-from-decisions';

export class HabitChoice {
  on = $state(true);

  constructor() {
    try {
      this.on = localStorage.getItem(KEY) !== 'off';
    } catch {
      // A profile without storage forgets the choice; every recommendation says whether habits were used.
    }
  }

  choose(on: boolean): void {
    this.on = on;
    try {
      localStorage.setItem(KEY, on ? 'on' : 'off');
    } catch {
      // See above: in force now, forgotten at the next start.
    }
  }
}
