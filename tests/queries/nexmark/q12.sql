SELECT bidder, count(*) AS bids
FROM bid
WHERE date_time <= mz_now()::timestamp AND mz_now()::timestamp < date_time + INTERVAL '10 seconds'
GROUP BY bidder
