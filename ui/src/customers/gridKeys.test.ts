import { describe, expect, test } from 'vitest';
import { stepped } from './gridKeys';

const grid = { rows: 100, columns: 5, page: 10, rtl: false };
const press = (text: string) => {
  const parts = text.split('+');
  return { key: parts.at(-1) ?? '', ctrlKey: parts.includes('Ctrl'), metaKey: parts.includes('Cmd') };
};

describe('keys walk', () => {
  test.each([
    ['ArrowDown', 51, 2], ['ArrowUp', 49, 2], ['ArrowRight', 50, 3], ['ArrowLeft', 50, 1],
    ['Home', 50, 0], ['End', 50, 4], ['Ctrl+Home', 0, 0], ['Cmd+End', 99, 4],
    ['PageDown', 60, 2], ['PageUp', 40, 2],
    ['Ctrl+ArrowDown', 99, 2], ['Ctrl+ArrowUp', 0, 2], ['Ctrl+ArrowRight', 50, 4], ['Cmd+ArrowLeft', 50, 0],
  ])('%s', (key, row, column) => {
    expect(stepped({ row: 50, column: 2 }, press(key), grid)).toEqual({ row, column });
  });
  test.each(['ArrowLeft', 'ArrowUp', 'PageUp', 'Home'])('%s stays at the beginning', (key) => {
    expect(stepped({ row: 0, column: 0 }, press(key), grid)).toEqual({ row: 0, column: 0 });
  });
  test.each(['ArrowRight', 'ArrowDown', 'PageDown', 'End'])('%s stays at the end', (key) => {
    expect(stepped({ row: 99, column: 4 }, press(key), grid)).toEqual({ row: 99, column: 4 });
  });
  test('from right to left, the arrows follow what is seen', () => {
    const rtl = { ...grid, rtl: true };
    expect(stepped({ row: 3, column: 2 }, press('ArrowRight'), rtl)).toEqual({ row: 3, column: 1 });
    expect(stepped({ row: 3, column: 2 }, press('Ctrl+ArrowLeft'), rtl)).toEqual({ row: 3, column: 4 });
  });
  test.each(['a', 'Tab', 'Enter', 'Escape', 'F2'])('%s does not', (key) => {
    expect(stepped({ row: 3, column: 2 }, press(key), grid)).toBeNull();
  });
});
