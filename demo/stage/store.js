/**
 * Large files under their hash: from Cache Storage where the browser lends one, else from the
 * network. They travel packed and are checked unpacked, so half a file is never taken for a whole.
 */

const CACHE = "duet-stage-1";

/**
 * A packed file's content.
 * @param {URL} url @param {string} sha256  of the content, unpacked
 * @returns {Promise<ArrayBuffer>}
 */
export async function load(url, sha256) {
  const key = `${url.href}?${sha256}`;
  const cache = await globalThis.caches?.open(CACHE).catch(() => null);
  const kept = await cache?.match(key).catch(() => null);
  if (kept) {
    try {
      return await unpack(kept, sha256);
    } catch {
      await cache?.delete(key);  // damaged: fetch it again
    }
  }
  const response = await fetch(key);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  const spare = cache && response.clone();
  const content = await unpack(response, sha256);
  if (cache && spare) await keep(cache, key, spare).catch(() => {});  // full: fetched again next time
  return content;
}

/**
 * Keep a file in the place of its older contents.
 * @param {Cache} cache @param {string} key @param {Response} response
 */
async function keep(cache, key, response) {
  await cache.delete(key, { ignoreSearch: true });
  await cache.put(key, response);
}

/** @param {Response} response @param {string} sha256 */
async function unpack(response, sha256) {
  if (!response.body) throw new Error("an empty answer");
  const stream = response.body.pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  const subtle = globalThis.crypto?.subtle;  // absent where the page came by plain http
  if (subtle) {
    const digest = new Uint8Array(await subtle.digest("SHA-256", content));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== sha256) throw new Error("the file is not the one that was meant");
  }
  return content;
}
