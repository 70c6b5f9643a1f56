-- Who this context source is, for as long as its database lasts (GS CIM 009, 5.2.40).
create table identity (
    one  boolean primary key default true check (one),
    id   uuid not null default gen_random_uuid()
);
insert into identity default values;
