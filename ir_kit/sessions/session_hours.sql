-- Which session would a request of this credential, address and user agent belong to, hour by hour?
-- Grain: one row per session and hour that its interval touches.
select *, unnest(generate_series(date_trunc('hour', start_time), end_time, interval '1' hour)) as hour from session_intervals
