import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, type CompensationContext } from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { Journal } from './journal.js';
import {
  ArticlePublished,
  ArticleReturned,
  ArticleSubmitted,
  ImprintAdded,
  ImprintRemoved,
  IndexUpdated,
  ModerationPassed,
  ModerationWithdrawn,
  NewsletterQueued,
  PublicationRefused,
  Publishing,
  RightsCleared,
  RightsRefused,
  RightsReturned,
} from './publishing.saga.js';

@Injectable()
export class DeskSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(Publishing.steps.submit)
  async submit(given: { title: string; premium: boolean }): Promise<ArticleSubmitted> {
    await this.journal.note(`${given.title} submitted`);
    return new ArticleSubmitted(given);
  }

  @Compensates(Publishing.steps.submit)
  async giveBack({ title }: ArticleSubmitted, { cause }: CompensationContext): Promise<ArticleReturned> {
    await this.journal.note(`${title} given back: ${cause.step}: ${cause.reason}`);
    return new ArticleReturned({ title, reason: cause.reason });
  }

  @SagaStep(Publishing.steps.moderate)
  async moderate({ title, premium }: ArticleSubmitted): Promise<ModerationPassed> {
    await this.journal.note(`${title} moderated`);
    return new ModerationPassed({ title, premium });
  }

  @Compensates(Publishing.steps.moderate)
  async withdraw({ title }: ModerationPassed): Promise<ModerationWithdrawn> {
    await this.journal.note(`${title} no longer moderated`);
    return new ModerationWithdrawn({ title });
  }
}

@Injectable()
export class RightsSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(Publishing.steps.clearRights)
  async clear({ title }: ModerationPassed): Promise<RightsCleared | RightsRefused> {
    if (title.startsWith('stolen')) return new RightsRefused({ title, reason: 'not ours' });
    await this.journal.note(`${title} has its rights cleared`);
    return new RightsCleared({ title });
  }

  @Compensates(Publishing.steps.clearRights)
  async giveUp({ title }: RightsCleared): Promise<RightsReturned> {
    await this.journal.note(`${title} has its rights returned`);
    return new RightsReturned({ title });
  }

  @SagaStep(Publishing.steps.addImprint)
  async imprint({ title }: ModerationPassed): Promise<ImprintAdded> {
    await this.journal.note(`${title} has the imprint`);
    return new ImprintAdded({ title });
  }

  @Compensates(Publishing.steps.addImprint)
  async remove({ title }: ImprintAdded): Promise<ImprintRemoved> {
    await this.journal.note(`${title} has no imprint any more`);
    return new ImprintRemoved({ title });
  }
}

/** What readers see. */
@Entity('page')
export class Page {
  @PrimaryColumn('text') title!: string;
  @Column('boolean', { default: false }) indexed!: boolean;
}

/** It has been down for so long that nobody looks again soon. */
export class GivenUp extends Error {}

/** The search engine, which may be down. */
export class SearchEngine {
  isDown = false;
  /** How often it was asked while it was down. */
  failures = 0;

  async add(title: string): Promise<void> {
    if (!this.isDown) return;
    this.failures += 1;
    throw this.failures < 50 ? new Error(`no answer about ${title}`) : new GivenUp(`no answer about ${title}`);
  }
}

@Injectable()
export class SiteSteps {
  constructor(
    @InjectRepository(Page) private readonly pages: Repository<Page>,
    private readonly search: SearchEngine,
    private readonly journal: Journal,
  ) {}

  @SagaStep(Publishing.steps.publish)
  async publish({
    moderate: { title },
  }: {
    moderate: ModerationPassed;
  }): Promise<ArticlePublished | PublicationRefused> {
    if (title.startsWith('late')) return new PublicationRefused({ title, reason: 'the issue is closed' });
    await this.pages.insert({ title });
    await this.journal.note(`${title} published`);
    return new ArticlePublished({ title });
  }

  @SagaStep(Publishing.steps.index)
  async index({ title }: ArticlePublished): Promise<IndexUpdated> {
    await this.pages.update({ title }, { indexed: true });
    await this.search.add(title); // asked twice about one title, it has it once
    return new IndexUpdated({ title });
  }
}

@Injectable()
export class NewsletterSteps {
  constructor(private readonly journal: Journal) {}

  @SagaStep(Publishing.steps.queueNewsletter)
  async queue({ title }: ArticlePublished): Promise<NewsletterQueued> {
    await this.journal.note(`${title} is in the newsletter`);
    return new NewsletterQueued({ title });
  }
}
