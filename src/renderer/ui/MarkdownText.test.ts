import { render, screen, within } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import MarkdownText from './MarkdownText.svelte';

test('headings, lists, emphasis and tables are what they are written as', () => {
  const text =
    '# Card\n\nKnows *363* **drugs** & `codes`.\n\n- one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | <2 |\n';
  render(MarkdownText, { text });
  expect(screen.getByRole('heading', { level: 3, name: 'Card' })).toBeTruthy();
  expect(screen.getAllByRole('listitem').map((item) => item.textContent.trim())).toEqual(['one', 'two']);
  const [, row] = within(screen.getByRole('table')).getAllByRole('row');
  expect(row!.textContent.replace(/\s/g, '')).toBe('1<2');
  expect(document.querySelector('strong')!.textContent.trim()).toBe('drugs');
  expect(document.body.textContent).not.toMatch(/\*\*|---|\|/);
});

test('mark-up of a stranger stays text: no element, link or picture comes of it', () => {
  const text = [
    '<img src=x onerror=alert(1)> and <b>bold</b>',
    '<script>alert(1)</script>',
    '[here](javascript:alert(1)) ![x](https://example.invalid/x.png)',
    '<https://example.invalid>',
  ].join('\n\n');
  const { container } = render(MarkdownText, { text });
  expect(container.querySelectorAll('img, a, script, b, iframe')).toHaveLength(0);
  expect(container.textContent).toContain('alert(1)');
});
