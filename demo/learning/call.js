/** Calls of the app's own endpoints (demo/learning.py). */

const SESSION = `learning-${Math.random().toString(36).slice(2)}`;  // one for all calls of this page

/**
 * @param {string} name @param {any[]} values @param {boolean} [last]  the page is going: the call
 *   shall outlive it
 * @returns {Promise<any>} the answer; an Error with the server's words where it refuses
 */
export async function call(name, values, last = false) {
  const url = new URL(`gradio_api/run/${name}`, document.baseURI);
  const response = await fetch(url, {
    method: "POST", keepalive: last, headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ data: values, session_hash: SESSION }),
  });
  const { data, error } = await response.json();
  if (!response.ok) throw new Error(error ?? `${response.status}`);
  return data[0];
}
