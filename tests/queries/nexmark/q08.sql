SELECT p.id, p.name, p.starts
FROM (
    SELECT id, name, date_bin('10 seconds', date_time, '1970-01-01') AS starts FROM person GROUP BY id, name, starts
) p JOIN (
    SELECT seller, date_bin('10 seconds', date_time, '1970-01-01') AS starts FROM auction GROUP BY seller, starts
) a ON p.id = a.seller AND p.starts = a.starts
