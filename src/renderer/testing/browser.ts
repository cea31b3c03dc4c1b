/** What jsdom lacks of a browser and the components need: modal dialogs, media queries, sizes, scrolling, leaving. Import it first. */

HTMLDialogElement.prototype.showModal = function showModal(this: HTMLDialogElement): void {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close(this: HTMLDialogElement): void {
  if (!this.open) return;
  this.open = false;
  this.dispatchEvent(new Event('close'));
};
Element.prototype.scrollIntoView = () => undefined;
window.matchMedia = (media) =>
  ({
    matches: false,
    media,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }) as never;
window.ResizeObserver = class {
  observe(): void {
    // Sizes never change in jsdom.
  }
  unobserve(): void {
    // See above.
  }
  disconnect(): void {
    // See above.
  }
};
/** A browser takes the focus from an element, and says so, before the element goes away. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- called on the element below
const removeElement = Element.prototype.remove;
Element.prototype.remove = function remove(this: Element): void {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && this.contains(focused)) focused.blur();
  removeElement.call(this);
};
