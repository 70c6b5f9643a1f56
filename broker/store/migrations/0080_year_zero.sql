-- As in 0022_inlined.sql; PostgreSQL has no year 0000, so a value of that year is a string, as it is for q.
create or replace function order_rank(value jsonb) returns integer language sql stable parallel safe
return case jsonb_typeof(value)
    when 'number' then 0
    when 'string' then case
        when value @@ '$ like_regex "^[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$"' then 5
        when value @@ '$ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"' then 6
        when value @@ '$ like_regex "^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})$"'
             and jsonb_path_exists_tz(value, '$.timestamp_tz()', '{}', true) then 7
        else 1
    end
    when 'object' then 2
    when 'array' then 3
    when 'boolean' then 4
    when 'null' then 8
    else 9
end;
