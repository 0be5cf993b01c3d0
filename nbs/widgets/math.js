// Matrix products in float32: by WebAssembly where it has SIMD, by plain loops where not.

// multiply.wat, assembled: four rows by eight columns of a product at a time
const CODE = 'AGFzbQEAAAABCgFgBn9/f39/fwACEAEEcGFnZQZtZW1vcnkCAAEDAgEABwwBCG11bHRpcGx5AAAKqwQBqAQCBX8LeyAEQQJ0'
  + 'IQQgBUECdCEFA0BBACEGA0D9DAAAAAAAAAAAAAAAAAAAAAAhDv0MAAAAAAAAAAAAAAAAAAAAACEP/QwAAAAAAAAAAAAAAAAA'
  + 'AAAAIRD9DAAAAAAAAAAAAAAAAAAAAAAhEf0MAAAAAAAAAAAAAAAAAAAAACES/QwAAAAAAAAAAAAAAAAAAAAAIRP9DAAAAAAA'
  + 'AAAAAAAAAAAAAAAhFP0MAAAAAAAAAAAAAAAAAAAAACEVIAAhCCABIAZqIQlBACEHA0AgCf0ABAAhCyAJ/QAEECEMIAghCiAK'
  + '/QkCACENIA4gDSAL/eYB/eQBIQ4gDyANIAz95gH95AEhDyAKIAVqIQogCv0JAgAhDSAQIA0gC/3mAf3kASEQIBEgDSAM/eYB'
  + '/eQBIREgCiAFaiEKIAr9CQIAIQ0gEiANIAv95gH95AEhEiATIA0gDP3mAf3kASETIAogBWohCiAK/QkCACENIBQgDSAL/eYB'
  + '/eQBIRQgFSANIAz95gH95AEhFSAIQQRqIQggCSAEaiEJIAdBBGoiByAFSQ0ACyACIAZqIQogCiAO/QsEACAKIA/9CwQQIAog'
  + 'BGohCiAKIBD9CwQAIAogEf0LBBAgCiAEaiEKIAogEv0LBAAgCiAT/QsEECAKIARqIQogCiAU/QsEACAKIBX9CwQQIAZBIGoi'
  + 'BiAESQ0ACyAAIAVBAnRqIQAgAiAEQQJ0aiECIANBBGsiAw0ACws=';

/** The bytes behind a base64 text. */
export function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export const roundUp = (n, by) => Math.ceil(n / by) * by;

/** out (m, n) = a (m, k) times b (k, n), row after row. */
function plainly(a, b, out, m, n, k) {
  for (let i = 0; i < m; i++) {
    const row = out.subarray(i * n, (i + 1) * n).fill(0);
    for (let e = 0; e < k; e++) {
      const v = a[i * k + e], from = e * n;
      for (let j = 0; j < n; j++) row[j] += v * b[from + j];
    }
  }
}

/** `take(n)` gives n numbers of a memory, `multiply` works on them; m is a multiple of 4, n of 8. */
export function makeMath(floats, isPlain = false) {
  let buffer = null, multiply = plainly, end = 0;
  try {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(floats / 16384) });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(CODE)), { page: { memory } });
    buffer = memory.buffer;
    if (!isPlain) multiply = (a, b, out, ...sides) => exports.multiply(a.byteOffset, b.byteOffset, out.byteOffset, ...sides);
  } catch { buffer = new ArrayBuffer(4 * floats); } // no SIMD here: slower, the same numbers
  const take = (n) => { end += n; return new Float32Array(buffer, 4 * (end - n), n); };
  return { take, multiply };
}
