SELECT *
FROM (
    SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS rank FROM bid
) ranked
WHERE rank <= 10
