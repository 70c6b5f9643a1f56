-- Microseconds since 2000 as an instant, exact over the whole range of a DateTime (an interval times a number is
-- computed in double precision, so days and the rest of a day are added apart).
create function instant(micros bigint) returns timestamptz language sql stable parallel safe
return timestamptz '2000-01-01Z' + micros / 86400000000 * interval '24 hours'
       + micros % 86400000000 * interval '1 microsecond';

-- Documents over 2 KB: the default compression costs as much as the rest of a write. Not every server is built with lz4.
do $$
begin
    alter table entity alter column attributes set compression lz4;
    alter table log alter column attributes set compression lz4, alter column before set compression lz4;
exception when feature_not_supported then
    null;
end $$;
