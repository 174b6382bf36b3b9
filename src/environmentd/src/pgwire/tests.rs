//! The codec on malformed input: never a panic, and the stream stays in step.

use super::codec::{Frame, Frontend, decode, decode_startup};
use bytes::{BufMut, BytesMut};

fn frame(tag: u8, body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_u8(tag);
    bytes.put_i32(body.len() as i32 + 4);
    bytes.put_slice(body);
    bytes
}

#[test]
fn a_frame_is_cut_only_when_it_is_whole() {
    let whole = frame(b'Q', b"select 1\0");
    for len in 0..whole.len() {
        assert_eq!(decode(&mut BytesMut::from(&whole[..len])), None);
    }
    let mut buffer = whole;
    assert_eq!(decode(&mut buffer), Some(Frame::Message(Ok(Frontend::Query("select 1".into())))));
    assert!(buffer.is_empty());
}

#[test]
fn truncated_bodies_are_errors_and_the_next_frame_is_read() {
    let bind = b"p\0s\0\0\x01\0\x01\0\x01\0\0\0\x03abc\0\x01\0\0";
    for tag in *b"QPBDECf" {
        for len in 0..bind.len() {
            let mut buffer = frame(tag, &bind[..len]);
            buffer.extend_from_slice(&frame(b'S', b""));
            let Some(Frame::Message(_)) = decode(&mut buffer) else { panic!("a frame is a message") };
            assert_eq!(decode(&mut buffer), Some(Frame::Message(Ok(Frontend::Sync))));
        }
    }
}

#[test]
fn lengths_and_tags_out_of_range_break_the_stream() {
    for bytes in [&b"Q\0\0\0\0"[..], b"Q\xff\xff\xff\xff", b"!\0\0\0\x04"] {
        assert!(matches!(decode(&mut BytesMut::from(bytes)), Some(Frame::Broken(_))));
    }
    assert!(decode_startup(&mut BytesMut::from(&b"GET / HTTP/1.1\r\n"[..])).is_err());
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let Some(Frame::Message(Err(error))) = decode(&mut frame(b'Q', b"select '\xff'\0")) else {
        panic!("invalid UTF-8 is an error")
    };
    assert_eq!(error.code.as_str(), "22021");
}
