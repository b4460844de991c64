/** Where the keyboard goes in a grid. Plain rules, as spreadsheets have them. */

export interface Cell {
  row: number;
  column: number;
}

export interface Grid {
  rows: number;
  columns: number;
  /** Rows that PageUp and PageDown pass. */
  page: number;
  rtl: boolean;
}

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
}

/** The cell that a key leads to; null if it is not one that walks. */
export function stepped({ row, column }: Cell, { key, ctrlKey, metaKey }: Press, { rows, columns, page, rtl }: Grid): Cell | null {
  const far = ctrlKey || metaKey;
  const lastRow = Math.max(0, rows - 1);
  const lastColumn = Math.max(0, columns - 1);
  const cell = (r: number, c: number): Cell => ({ row: Math.min(lastRow, Math.max(0, r)), column: Math.min(lastColumn, Math.max(0, c)) });
  const forth = rtl ? -1 : 1;
  switch (key) {
    case 'ArrowDown': return far ? cell(lastRow, column) : cell(row + 1, column);
    case 'ArrowUp': return far ? cell(0, column) : cell(row - 1, column);
    case 'ArrowRight': return far ? cell(row, rtl ? 0 : lastColumn) : cell(row, column + forth);
    case 'ArrowLeft': return far ? cell(row, rtl ? lastColumn : 0) : cell(row, column - forth);
    case 'Home': return far ? cell(0, 0) : cell(row, 0);
    case 'End': return far ? cell(lastRow, lastColumn) : cell(row, lastColumn);
    case 'PageDown': return cell(row + page, column);
    case 'PageUp': return cell(row - page, column);
    default: return null;
  }
}
