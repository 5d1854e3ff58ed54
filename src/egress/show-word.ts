const SHOWN_MAX = 60;

/** A user's word inside a message: quoted, cut where it is long, and nothing in it that a terminal would act on. */
export const showWord = (word: string): string =>
  `'${word.slice(0, SHOWN_MAX).replace(/[^\x20-\x7e]/g, '?')}${word.length > SHOWN_MAX ? '…' : ''}'`;
