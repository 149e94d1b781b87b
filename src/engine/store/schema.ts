/** Each entry takes the database from its index to the next version; never edited once it was released. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    created_ms    INTEGER NOT NULL,
    state         TEXT NOT NULL,
    owner_id      TEXT NOT NULL,
    workspace_id  TEXT NOT NULL,
    project_id    TEXT NOT NULL,
    sticky        INTEGER NOT NULL,
    tags          TEXT NOT NULL,
    record        TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_age ON sessions (created_ms DESC, id DESC);
  CREATE INDEX sessions_live ON sessions (created_ms DESC, id DESC) WHERE state <> 'TERMINATED';
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE executions (
    id          TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL,
    started_ms  INTEGER NOT NULL,
    state       TEXT NOT NULL,
    record      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX executions_by_age ON executions (started_ms DESC, id DESC);
  CREATE INDEX executions_of_session ON executions (session_id, started_ms DESC, id DESC);
  CREATE INDEX executions_running ON executions (started_ms DESC, id DESC) WHERE state = 'RUNNING';
  `,
  `
  CREATE TABLE artifacts (
    id          TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL,
    record      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX artifacts_of_session ON artifacts (session_id);
  CREATE TRIGGER artifacts_end AFTER UPDATE OF state ON sessions WHEN NEW.state = 'TERMINATED' BEGIN
    DELETE FROM artifacts WHERE session_id = NEW.id;
  END;
  `,
  `
  CREATE TABLE volumes (
    id          TEXT PRIMARY KEY,
    created_ms  INTEGER NOT NULL,
    state       TEXT NOT NULL,
    record      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX volumes_by_age ON volumes (created_ms DESC, id DESC);
  `,
  `
  CREATE TABLE previews (
    id      TEXT PRIMARY KEY,
    slug    TEXT NOT NULL UNIQUE,
    record  TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE snapshots (
    id          TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    record      TEXT NOT NULL
  ) STRICT;
  CREATE INDEX snapshots_by_age ON snapshots (created_ms DESC, id DESC);
  CREATE INDEX snapshots_of_session ON snapshots (session_id, created_ms DESC, id DESC);
  `,
  `
  CREATE TABLE expired_snapshots (id TEXT PRIMARY KEY, expired_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX expired_snapshots_by_age ON expired_snapshots (expired_ms DESC, id DESC);
  `,
];
