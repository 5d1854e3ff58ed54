/** Known bytes laid out for reading: hex digits, spaces as one likes, `;` starts a remark up to the end of the line. */
export const hex = (layout: string): Buffer =>
  Buffer.from(
    layout
      .split('\n')
      .map((line) => line.split(';', 1)[0]!.replace(/\s/g, ''))
      .join(''),
    'hex',
  );
