-- Roll-ups of history: plain tables, complete for whole UTC days before the mark, so that today is always read raw.

-- What is kept of the entities of a type, and for how many days; null is for ever.
create table policy (
    tenant      integer not null references tenant,
    type        text not null,                       -- IRI
    raw_days    integer check (raw_days > 0),
    levels      jsonb not null default '{}',         -- seconds of a roll-up -> days or null
    raw_until   timestamptz not null default '-infinity',  -- raw readings before this are gone
    primary key (tenant, type)
);

create table rollup (
    entity      bigint not null,
    attribute   integer not null,
    dataset     integer not null,
    seconds     integer not null,                    -- length of the bucket
    start       timestamptz not null,
    type        smallint not null,
    total       integer not null,
    measured    integer not null,                    -- those with a number
    arrays      integer not null,
    texts       integer not null,
    sum         double precision,
    squares     double precision,
    deviation   double precision,                    -- sum of the squared distances from the mean
    least       double precision,
    most        double precision,
    last        double precision,
    primary key (entity, attribute, dataset, seconds, start)
);

-- Before the mark, writers say which days of which series they touch. They hold lock 1032 shared, and who moves the
-- mark or enrols entities holds it alone: so every reading is either in the roll-up, told as due, or after the mark.
create table rollup_mark (
    one     boolean primary key default true check (one),
    upto    timestamptz not null default '-infinity',
    micros  bigint not null default -9223372036854775808  -- the same, since 2000
);
insert into rollup_mark default values;

create table rollup_entity (
    entity  bigint primary key,
    ready   boolean not null default false           -- its past is told as due
);

create table rollup_due (
    entity     bigint not null,
    attribute  integer not null,
    dataset    integer not null,
    day        date not null,                        -- UTC
    primary key (entity, attribute, dataset, day)
);

-- Time that the mark has passed and nobody has told as due yet.
create table rollup_span (
    since  timestamptz primary key,
    until  timestamptz not null
);

drop index history_written;
create index history_written on history using brin (instance, modified_at, at)
    with (pages_per_range = 16, autosummarize = on);
