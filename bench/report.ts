/** What a bench reports, as it stands in results.json. All figures are medians; `values` holds every turn's, in order. */

/** One bar of the chart, one line of the table. */
export interface Row {
  readonly name: string;
  readonly median: number;
  readonly values: readonly number[];
  /** Against another row of the same figure, turn by turn, e.g. `{ to: 'bare FOU', ratio: 0.97 }`. */
  readonly versus?: { readonly to: string; readonly ratio: number };
}

export interface Figure {
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly rows: readonly Row[];
  /** What a reader has to know to read it rightly. */
  readonly note?: string;
}

/** Where and when it was measured. */
export interface Circumstances {
  readonly date: string;
  readonly kernel: string;
  readonly processors: number;
  readonly node: string;
  /** `tcg` is QEMU's emulation, `icount` the same in counted time, `none` a machine of its own; others as systemd-detect-virt(1) names them, like `kvm`. */
  readonly accelerator: string;
}

export interface Report {
  readonly circumstances: Circumstances;
  readonly figures: readonly Figure[];
}

/** Text as wide as it must be. */
export function table(figure: Figure): string {
  const width = Math.max(...figure.rows.map(({ name }) => name.length));
  const lines = figure.rows.map(({ name, median, values, versus }) => {
    const range = `${format(Math.min(...values))} – ${format(Math.max(...values))}`;
    const ratio = versus === undefined ? '' : `   ${versus.ratio.toFixed(3)} × ${versus.to}`;
    return `  ${name.padEnd(width)}  ${format(median).padStart(9)} ${figure.unit}   (${values.length}: ${range})${ratio}`;
  });
  const note = figure.note === undefined ? [] : [`  ${figure.note}`];
  return [`${figure.title} (${figure.better} is better)`, ...lines, ...note].join('\n');
}

export const format = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
