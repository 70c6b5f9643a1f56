-- Entities as they are, the history of their attributes, and the log of changes.

create table tenant (
    no          integer generated always as identity primary key,
    name        text not null unique,              -- '' is the default tenant
    created_at  timestamptz not null default now()
);
insert into tenant (name) values ('');

-- Names that recur in every history row (attribute IRIs, datasetIds), kept once.
create table term (
    no   integer generated always as identity primary key,
    iri  text not null unique
);

-- Numbers are handed out in blocks, so that a writer knows them without asking.
create sequence entity_no increment by 1000 minvalue 1000;

-- One row per entity ever known. A deleted one keeps its row (deleted_at), for its history hangs on it.
create table entity (
    tenant       integer not null references tenant,
    id           text not null,
    no           bigint not null unique,
    types        text[] not null,
    scopes       text[],
    attributes   jsonb not null,                   -- attribute IRI -> array of instances
    location     geometry(Geometry, 4326),         -- the default GeoProperty `location`
    created_at   timestamptz not null,
    modified_at  timestamptz not null,
    expires_at   timestamptz,
    deleted_at   timestamptz,
    primary key (tenant, id)
) with (fillfactor = 80);                          -- room for updates that touch no index

create index entity_page on entity (tenant, no) where deleted_at is null;
create index entity_types on entity using gin (types) where deleted_at is null;
create index entity_near on entity using gist ((location::geography)) where deleted_at is null;

-- One narrow row per attribute instance.
create sequence history_instance cache 100;
create table history (
    entity        bigint not null,                 -- entity.no
    attribute     integer not null,                -- term.no
    dataset       integer not null default 0,      -- term.no of the datasetId, 0 for the default instance
    at            timestamptz not null,            -- observedAt, or modifiedAt where none was given
    observed      boolean not null,                -- whether observedAt was given
    created_at    timestamptz not null,
    modified_at   timestamptz not null,
    deleted       boolean not null default false,  -- a tombstone: the instance was deleted at `at`
    type          smallint not null,               -- attribute type, see store/instances.py
    form          "char" not null,                 -- how the value is held, see store/instances.py
    number        double precision,
    text          text,
    json          jsonb,
    unit_code     text,
    members       jsonb,                           -- everything else the instance says
    instance      bigint not null default nextval('history_instance')
);
select create_hypertable('history', by_range('at', interval '30 days'), create_default_indexes => false);
-- the same reading is the same row; the last readings of an attribute are at one end
create unique index history_reading on history (entity, attribute, dataset, at);

-- The log: one row per changed entity, in the order of commits. Everything that reacts to change reads it.
create table log (
    seq          bigint generated always as identity,
    at           timestamptz not null default clock_timestamp(),
    tenant       integer not null,
    entity       bigint not null,
    id           text not null,
    types        text[] not null,
    scopes       text[],
    operation    text not null check (operation in ('create', 'update', 'delete')),
    touched      text[] not null,                  -- IRIs of the attributes that changed
    attributes   json,                             -- the entity after the change; null when it was deleted
    before       json,                             -- the changed attributes as they were
    created_at   timestamptz not null,
    modified_at  timestamptz not null
);
select create_hypertable('log', by_range('at', interval '1 day'), create_default_indexes => false);
create index log_seq on log (seq);

-- Messages that no decoder could read, and readings the broker refused.
create table quarantine (
    no           bigint generated always as identity primary key,
    tenant       integer not null references tenant,
    source       text not null,
    reason       text not null,
    raw          bytea not null,
    metadata     jsonb not null default '{}',
    received_at  timestamptz not null default now(),
    replayed_at  timestamptz
);
create index quarantine_source on quarantine (tenant, source, no);
