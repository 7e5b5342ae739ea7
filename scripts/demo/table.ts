export type Row = Readonly<Record<string, string | number | null>>;

const widest = 44;

/** Rows under the names of their columns. */
export function table(rows: readonly Row[]): string {
  if (rows.length === 0) return '  (no rows)';
  const names = Object.keys(rows[0]!);
  const cells = [names, ...rows.map((row) => names.map((name) => shortened(String(row[name] ?? ''))))];
  const widths = names.map((_name, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) =>
    `  ${line.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(),
  );
  const rule = `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

export function shortened(text: string, length = widest): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** The end of an id: ids that sort by time begin alike. */
export function shortId(id: string): string {
  return id.slice(-6);
}
