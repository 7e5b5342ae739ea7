import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaStep, SagaTrackerModule, Sagas, defineSaga, type TrackedSaga } from 'nest-saga';
import type { Repository } from 'typeorm';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';

const article = z.object({ title: z.string(), premium: z.boolean() });
class ArticleSubmitted extends DomainEvent('article.submitted', article) {}
class ArticleWithdrawn extends DomainEvent('article.withdrawn', article) {}
class RightsCleared extends DomainEvent('rights.cleared', z.object({ owner: z.string() })) {}
class RightsReturned extends DomainEvent('rights.returned', z.object({ owner: z.string() })) {}
class ArticleEdited extends DomainEvent('article.edited', article) {}
class ArticlePublished extends DomainEvent('article.published', z.object({ title: z.string(), owner: z.string() })) {}
class PublishingRefused extends DomainEvent('publishing.refused', z.object({ reason: z.string() })) {}
class NewsletterQueued extends DomainEvent('newsletter.queued', z.object({ title: z.string() })) {}

// #region definition
const Publishing = defineSaga('publishing', {
  submit: { input: article, emits: ArticleSubmitted, compensated: ArticleWithdrawn },
  clearRights: {
    after: 'submit',
    when: (submitted: ArticleSubmitted) => submitted.premium,
    emits: RightsCleared,
    compensated: RightsReturned,
  },
  edit: { after: 'submit', emits: ArticleEdited },
  publish: {
    after: ['clearRights', 'edit'],
    kind: 'pivot',
    emits: ArticlePublished,
    rejected: PublishingRefused,
  },
  queueNewsletter: {
    after: 'publish',
    kind: 'retriable',
    when: (published: ArticlePublished) => published.owner === 'house',
    emits: NewsletterQueued,
  },
});
// #endregion definition

@Injectable()
class Steps {
  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Publishing.steps.submit)
  submit(given: z.infer<typeof article>): ArticleSubmitted {
    return new ArticleSubmitted(given);
  }

  @Compensates(Publishing.steps.submit)
  withdraw(submitted: ArticleSubmitted): ArticleWithdrawn {
    return new ArticleWithdrawn(submitted);
  }

  @SagaStep(Publishing.steps.clearRights)
  async clear({ title }: ArticleSubmitted): Promise<RightsCleared> {
    await this.notes.insert({ text: `cleared ${title}` });
    return new RightsCleared({ owner: 'agency' });
  }

  @Compensates(Publishing.steps.clearRights)
  async giveBack({ owner }: RightsCleared): Promise<RightsReturned> {
    await this.notes.insert({ text: `returned to ${owner}` });
    return new RightsReturned({ owner });
  }

  @SagaStep(Publishing.steps.edit)
  edit(submitted: ArticleSubmitted): ArticleEdited {
    return new ArticleEdited(submitted);
  }

  @Compensates(Publishing.steps.edit)
  async discard({ title }: ArticleEdited): Promise<void> {
    await this.notes.insert({ text: `discarded ${title}` });
  }

  // #region input
  @SagaStep(Publishing.steps.publish)
  publish({ clearRights, edit }: { clearRights: RightsCleared | undefined; edit: ArticleEdited }) {
    if (edit.title === 'bad') return new PublishingRefused({ reason: 'in bad taste' });
    return new ArticlePublished({ title: edit.title, owner: clearRights?.owner ?? 'house' });
  }
  // #endregion input

  @SagaStep(Publishing.steps.queueNewsletter)
  queue({ title }: ArticlePublished): NewsletterQueued {
    return new NewsletterQueued({ title });
  }
}

let app: TestingModule;
beforeEach(async () => {
  app = await startedOn(await freshDatabase(), { providers: [Steps], imports: [SagaTrackerModule] });
});

async function settled(given: z.infer<typeof article>): Promise<TrackedSaga> {
  const { sagaId } = await app.get(Sagas).start(Publishing, given);
  return app.get(Sagas).settled(sagaId, { timeout: 20_000 });
}

const notes = async (): Promise<readonly string[]> =>
  (await app.get<Repository<Note>>(getRepositoryToken(Note)).find()).map(({ text }) => text);

test('steps run or are skipped as their conditions say, and the saga completes either way', async () => {
  expect(await settled({ title: 'dear', premium: true })).toMatchObject({
    status: 'completed',
    steps: { clearRights: 'done', publish: 'done', queueNewsletter: 'skipped' },
  });
  expect(await settled({ title: 'cheap', premium: false })).toMatchObject({
    status: 'completed',
    steps: { clearRights: 'skipped', publish: 'done', queueNewsletter: 'done' },
  });
  expect(await notes()).toEqual(['cleared dear']);
});

test('when everything after a skipped step is refused, only what was done is undone', async () => {
  expect(await settled({ title: 'bad', premium: false })).toMatchObject({
    status: 'aborted',
    steps: {
      submit: 'compensated',
      clearRights: 'skipped',
      edit: 'compensated',
      publish: 'rejected',
      queueNewsletter: 'cancelled',
    },
    inconsistencies: [],
    debts: [],
  });
  expect(await notes()).toEqual(['discarded bad']);
});

test('when everything after a step that ran is refused, it is undone', async () => {
  expect(await settled({ title: 'bad', premium: true })).toMatchObject({
    status: 'aborted',
    steps: { clearRights: 'compensated' },
  });
  expect((await notes()).toSorted()).toEqual(['cleared bad', 'discarded bad', 'returned to agency']);
});
