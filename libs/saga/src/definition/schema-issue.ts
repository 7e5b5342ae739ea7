import type { StandardSchemaV1 } from '@standard-schema/spec';

/** An issue of a schema library, with its place in front. */
export function issueText(issue: StandardSchemaV1.Issue): string {
  const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path ? `${path}: ${issue.message}` : issue.message;
}
