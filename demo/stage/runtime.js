/** Which onnxruntime-web runs the models; demo/vendor.py fetches and checks it. */

const FOLDER = "onnxruntime-web-1.30.0";
export const SCRIPT = `${FOLDER}/ort.wasm.bundle.min.mjs`;
export const WASM = {
  name: `${FOLDER}/ort-wasm-simd-threaded.wasm.gz`,
  sha256: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
};
