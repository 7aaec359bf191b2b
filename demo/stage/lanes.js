/**
 * Requests in lanes. Those of a lane overtake each other: the newest waits, those before it are
 * answered by null. One is under way at a time, whatever its lane.
 */

/** @typedef {{message: any, resolve: (output: any) => void, reject: (error: Error) => void}} Request */

export class Lanes {
  /** @param {(message: any) => Promise<any>} answer */
  constructor(answer) {
    this.answer = answer;
    /** @type {Map<string, Request>} */
    this.waiting = new Map();
    /** @type {Request | null} */
    this.current = null;
  }

  /** @param {string} lane @param {any} message @returns {Promise<any>} */
  ask(lane, message) {
    return new Promise((resolve, reject) => {
      this.waiting.get(lane)?.resolve(null);
      this.waiting.delete(lane);  // to the end of the queue
      this.waiting.set(lane, { message, resolve, reject });
      this.#next();
    });
  }

  /** Refuse what waits and what is under way. @param {Error} why */
  refuse(why) {
    const refused = [...(this.current ? [this.current] : []), ...this.waiting.values()];
    this.current = null;
    this.waiting.clear();
    for (const request of refused) request.reject(why);
  }

  #next() {
    if (this.current) return;
    for (const [lane, request] of this.waiting) {
      this.waiting.delete(lane);
      this.current = request;
      this.answer(request.message).then(request.resolve, request.reject).finally(() => {
        if (this.current !== request) return;  // refused meanwhile
        this.current = null;
        this.#next();
      });
      return;
    }
  }
}
