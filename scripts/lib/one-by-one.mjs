// Output of several at once, readable: one is shown as it comes, what the others say meanwhile is shown when their turn is.

/** @typedef {{ write: (chunk: Buffer | string) => void, close: () => void }} Speaker */

export class OneByOne {
  /** @type {{ said: (Buffer | string)[], isOver: boolean }[]} */
  #queue = [];
  /** @type {(chunk: Buffer | string) => void} */
  #show;

  /** @param {(chunk: Buffer | string) => void} show */
  constructor(show) {
    this.#show = show;
  }

  /** They are heard in the order in which they begin. @returns {Speaker} */
  begin() {
    /** @type {{ said: (Buffer | string)[], isOver: boolean }} */
    const own = { said: [], isOver: false };
    this.#queue.push(own);
    return {
      write: (chunk) => {
        own.said.push(chunk);
        this.#listen();
      },
      close: () => {
        own.isOver = true;
        this.#listen();
      },
    };
  }

  #listen() {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      for (const chunk of first.said.splice(0)) this.#show(chunk);
      if (!first.isOver) return;
      this.#queue.shift();
    }
  }
}
