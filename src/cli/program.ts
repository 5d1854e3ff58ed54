export const PROGRAM = 'ipipou-ts';
