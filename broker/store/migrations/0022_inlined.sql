-- The server writes a function of one expression into the statement that uses it, unless it is strict; a call costs
-- several times the work in these.

create or replace function shape_of(value jsonb) returns geometry language sql immutable parallel safe
return case
    when value ->> 'type' = 'Point' then ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(value), 4326))
    else valid_shape(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(value), 4326)))
end;

create or replace function order_value(instance jsonb) returns jsonb language sql immutable parallel safe
return case
    when instance ? 'languageMap' then
        coalesce(instance #> '{languageMap,@none}', jsonb_path_query_first(instance, '$.languageMap.*'))
    when instance -> 'value' ? '@value' then instance #> '{value,@value}'
    else coalesce(instance -> 'value', instance -> 'object', instance -> 'vocab', instance -> 'valueList',
                  instance -> 'json', instance -> 'objectList')
end;

create or replace function order_rank(value jsonb) returns integer language sql stable parallel safe
return case jsonb_typeof(value)
    when 'number' then 0
    when 'string' then case
        when value @@ '$ like_regex "^[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$"' then 5
        when value @@ '$ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"' then 6
        when value @@ '$ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})$"'
             and jsonb_path_exists_tz(value, '$.timestamp_tz()', '{}', true) then 7
        else 1
    end
    when 'object' then 2
    when 'array' then 3
    when 'boolean' then 4
    when 'null' then 8
    else 9
end;
