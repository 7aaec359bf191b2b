/** Calls of the app's own endpoints. */

const SESSION = `page-${Math.random().toString(36).slice(2)}`;  // one for all calls of this page

/**
 * An answer of an endpoint; throws what it refuses with.
 * @param {URL} server  the folder of the endpoints @param {string} name @param {any[]} values
 * @param {RequestInit} [options]  of `fetch` @returns {Promise<any>}
 */
export async function call(server, name, values, options = {}) {
  const response = await fetch(new URL(`run/${name}`, server), {
    ...options, method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ data: values, session_hash: SESSION }),
  });
  // What stands between may answer in its own words: a proxy's page is no JSON.
  const { data, error } = await response.json().catch(() => ({}));
  if (!response.ok || !data) throw new Error(error ?? `the server answers ${response.status}`);
  return data[0];
}

/** Bytes of what the server sends as base64. @param {string} text */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Bytes as the server takes them. @param {Uint8Array} content */
export const base64 = (content) => (
  btoa(Array.from(content, (byte) => String.fromCharCode(byte)).join(""))
);
