declare module 'snappyjs' {
  export function compress(input: Uint8Array): Uint8Array;
  /** @throws Error for what is not Snappy, or would be larger than `maxLength` */
  export function uncompress(input: Uint8Array, maxLength?: number): Uint8Array;
}
