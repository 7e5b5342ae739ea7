import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const article = z.object({ title: z.string(), premium: z.boolean() });
const titled = z.object({ title: z.string() });

export class ArticleSubmitted extends DomainEvent('article.submitted', article) {}
export class ArticleReturned extends DomainEvent('article.returned', titled.extend({ reason: z.string() })) {}
export class ModerationPassed extends DomainEvent('moderation.passed', article) {}
export class ModerationWithdrawn extends DomainEvent('moderation.withdrawn', titled) {}
export class RightsCleared extends DomainEvent('rights.cleared', titled) {}
export class RightsRefused extends DomainEvent('rights.refused', titled.extend({ reason: z.string() })) {}
export class RightsReturned extends DomainEvent('rights.returned', titled) {}
export class ImprintAdded extends DomainEvent('imprint.added', titled) {}
export class ImprintRemoved extends DomainEvent('imprint.removed', titled) {}
export class ArticlePublished extends DomainEvent('article.published', titled) {}
export class PublicationRefused extends DomainEvent('publication.refused', titled.extend({ reason: z.string() })) {}
export class IndexUpdated extends DomainEvent('index.updated', titled) {}
export class NewsletterQueued extends DomainEvent('newsletter.queued', titled) {}

/** Rights of premium articles have to be cleared; others carry the imprint of the house. */
export const Publishing = defineSaga('article-publishing', {
  submit: { input: article, emits: ArticleSubmitted, compensated: ArticleReturned },
  moderate: { after: 'submit', emits: ModerationPassed, compensated: ModerationWithdrawn },
  clearRights: {
    after: 'moderate',
    when: (passed: ModerationPassed) => passed.premium,
    emits: RightsCleared,
    rejected: RightsRefused,
    compensated: RightsReturned,
  },
  addImprint: {
    after: 'moderate',
    when: (passed: ModerationPassed) => !passed.premium,
    emits: ImprintAdded,
    compensated: ImprintRemoved,
  },
  publish: {
    after: ['moderate', 'clearRights', 'addImprint'],
    kind: 'pivot',
    emits: ArticlePublished,
    rejected: PublicationRefused,
  },
  index: { after: 'publish', kind: 'retriable', emits: IndexUpdated },
  queueNewsletter: { after: 'publish', kind: 'retriable', emits: NewsletterQueued },
});
