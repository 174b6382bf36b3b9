use super::*;

#[test]
fn positions_survive_encoding() {
    let position = Position { system: 7_123_456_789_012_345_678, lsn: 0x16_B374_D848 };
    assert_eq!(Position::decode(&position.encode()).expect("known format"), Some(position));
    assert_eq!(Position::decode(&[]).expect("empty"), None);
    assert!(Position::decode(&[9, 1, 2]).is_err());
}
