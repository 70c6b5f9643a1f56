-- How far the import of a file came, so that it can go on after a restart.
create table import_file (
    tenant    integer not null references tenant,
    file      text not null,                         -- path, size and time of the last change
    lines     bigint not null,                       -- lines that are done
    stored    bigint not null,                       -- readings that were new
    known     bigint not null,                       -- readings that were there already
    refused   bigint not null,
    primary key (tenant, file)
);
