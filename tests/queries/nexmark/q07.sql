SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM bid b JOIN (
    SELECT max(price) AS most, date_bin('10 seconds', date_time, '1970-01-01') + INTERVAL '10 seconds' AS ends
    FROM bid
    GROUP BY ends
) highest ON b.price = highest.most
WHERE b.date_time BETWEEN highest.ends - INTERVAL '10 seconds' AND highest.ends
