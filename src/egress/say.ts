/** Takes one command line, as somebody would type it to make the same change. Only asked to make it where it is wanted. */
export type Say = (line: () => string) => void;
