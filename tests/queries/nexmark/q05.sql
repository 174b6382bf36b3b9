WITH hops AS (
    SELECT auction, w AS starts, count(*) AS num
    FROM bid, generate_series(
        date_bin('2 seconds', date_time, '1970-01-01') - INTERVAL '8 seconds',
        date_bin('2 seconds', date_time, '1970-01-01'),
        INTERVAL '2 seconds') AS w
    GROUP BY auction, w
)
SELECT hops.auction, hops.num
FROM hops JOIN (SELECT starts, max(num) AS most FROM hops GROUP BY starts) hottest
    ON hops.starts = hottest.starts AND hops.num >= hottest.most
