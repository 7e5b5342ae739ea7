/** True when two types are the same, not only assignable. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** A compile-time assertion: `holds<Same<A, B>>()` is an error when it is false. */
export function holds<_Fact extends true>(): void {}
