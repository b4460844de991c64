import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../generated/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/overlays.css';
import './styles/fields.css';
import './styles/pages.css';
import './styles/tables.css';
import './styles/query.css';
import './styles/settings.css';
import './styles/imports.css';
import './styles/bulk.css';
import './styles/entitlements.css';
import './styles/person.css';
import './styles/duplicates.css';
import './styles/portal.css';
import './styles/helpcenter.css';
import { calls } from './api/calls';
import { apiClient } from './api/client';
import { queryClient } from './api/queries';
import { App } from './app/App';
import { returnToPage } from './app/signIn';
import { chooseTransport } from './transport';

const root = document.getElementById('root');
if (root) {
  returnToPage();
  const transport = chooseTransport();
  createRoot(root).render(
    <StrictMode>
      <App transport={transport} client={queryClient()} calls={calls(apiClient(transport))} />
    </StrictMode>,
  );
}
