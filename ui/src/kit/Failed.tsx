/** A page that throws while it is drawn: the rest stays, and the reader is told what to do. */
import { Component, type ReactNode } from 'react';
import { t } from '../messages';
import { Button } from './Button';
import { Icon } from './Icon';

/** What browsers say of a part of the program that is not there any more: the server has another version by now. */
const PART_GONE = /dynamically imported module|importing a module script failed|preload CSS/i;

export class Failed extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const newer = error instanceof Error && PART_GONE.test(error.message);
    return (
      <div className="problem" role="alert">
        <Icon name="error" />
        <div className="problem-body">
          <h1 className="problem-title">{t(newer ? 'problem.newer.title' : 'problem.page.title')}</h1>
          <p>{t(newer ? 'problem.newer.do' : 'problem.page.do')}</p>
          <div className="problem-foot"><Button small onPress={() => window.location.reload()}>{t('act.reload')}</Button></div>
        </div>
      </div>
    );
  }
}
