// Compiles WebAssembly even if the server sends .wasm with the wrong type, from which Pyodide never recovers; analysis worker.

const { compileStreaming, instantiateStreaming } = WebAssembly;

/** @param {Response | PromiseLike<Response>} source */
async function typed(source) {
  const response = await source;
  if (response.headers.get('Content-Type')?.startsWith('application/wasm')) return response;
  return new Response(response.body, { status: response.status, headers: { 'Content-Type': 'application/wasm' } });
}

if (compileStreaming) WebAssembly.compileStreaming = async (source, ...options) => compileStreaming(await typed(source), ...options);
if (instantiateStreaming) WebAssembly.instantiateStreaming = async (source, ...imports) => instantiateStreaming(await typed(source), ...imports);
