/** Makes a focusable mark of the graph answer the keys of a button. Draws nothing. */

export function onActivate(act: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    act();
  };
}
