SELECT bidder, count(*) AS bids, min(date_time) AS starts, max(date_time) AS ends
FROM (
    SELECT bidder, date_time, sum(opens) OVER (PARTITION BY bidder ORDER BY date_time) AS session
    FROM (
        SELECT bidder, date_time,
            CASE WHEN date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) <= INTERVAL '10 seconds' THEN 0 ELSE 1 END AS opens
        FROM bid
    ) gaps
) sessions
GROUP BY bidder, session
