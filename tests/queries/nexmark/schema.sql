CREATE TABLE person (
    id int8 NOT NULL, name text NOT NULL, email_address text NOT NULL, credit_card text NOT NULL, city text NOT NULL, state text NOT NULL,
    date_time timestamp NOT NULL, extra text NOT NULL);
CREATE TABLE auction (
    id int8 NOT NULL, item_name text NOT NULL, description text NOT NULL, initial_bid int8 NOT NULL, reserve int8 NOT NULL,
    date_time timestamp NOT NULL, expires timestamp NOT NULL, seller int8 NOT NULL, category int8 NOT NULL, extra text NOT NULL);
CREATE TABLE bid (
    auction int8 NOT NULL, bidder int8 NOT NULL, price int8 NOT NULL, channel text NOT NULL, url text NOT NULL, date_time timestamp NOT NULL,
    extra text NOT NULL);
CREATE TABLE side_input (key int8 NOT NULL, value text NOT NULL);
