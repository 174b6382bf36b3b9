//! PostgreSQL's text form of every type: parsing input, printing output.
