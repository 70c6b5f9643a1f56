-- Subscriptions, how far each has been served from the log, and the notifications that nobody took.

create table subscription (
    no           integer generated always as identity primary key,
    tenant       integer not null references tenant,
    id           text not null,
    document     jsonb not null,                   -- as the client gave it, names expanded (ngsi/subscription.py)
    context      jsonb,                            -- the @context it came with; null for the core context alone
    active_from  bigint not null,                  -- log.seq when it was created or set going again
    created_at   timestamptz not null,
    modified_at  timestamptz not null,
    unique (tenant, id)
);
create index subscription_page on subscription (tenant, no);

-- Written by the leading dispatcher only.
create table subscription_state (
    subscription       integer primary key references subscription on delete cascade,
    position           bigint not null,            -- every change up to this log.seq is settled
    behind             boolean not null,           -- false: also every change up to dispatch.position
    sequence           bigint not null default 0,  -- number of the last notification up to `position`
    matched            bigint not null default 0,  -- changes; matched = delivered + pending + dead + coalesced
    delivered          bigint not null default 0,
    pending            bigint not null default 0,
    dead               bigint not null default 0,
    coalesced          bigint not null default 0,
    times_sent         bigint not null default 0,
    times_failed       bigint not null default 0,
    status             text,
    failure            text,                       -- why the last attempt failed
    last_notification  timestamptz,
    last_success       timestamptz,
    last_failure       timestamptz
) with (fillfactor = 50);                          -- room for updates that touch no index

-- Where in the log a notification of a subscription was: replay begins at the nearest one.
create table notification_mark (
    subscription  integer not null references subscription on delete cascade,
    sequence      bigint not null,
    position      bigint not null,
    primary key (subscription, sequence)
);

create table dead_letter (
    subscription  integer not null references subscription on delete cascade,
    sequence      bigint not null,
    id            text not null,                   -- of the notification
    position      bigint not null,
    changes       integer not null,
    attempts      integer not null,
    reason        text not null,
    died_at       timestamptz not null default now(),
    redrive       boolean not null default false,
    body          bytea not null,
    primary key (subscription, sequence)
);
create index dead_letter_redrive on dead_letter (subscription) where redrive;

-- Every change up to here is settled for each subscription that is not behind.
create table dispatch (
    one       boolean primary key default true check (one),
    position  bigint not null
);
insert into dispatch (position) select coalesce(max(seq), 0) from log;
